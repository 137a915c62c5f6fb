<<<<<<< HEAD
"""`hmer-tasks report`: a finished build as one page to leaf through, with its refusals and statistics."""
=======
"""HTML pages that need no network: a build to leaf through, an evaluation, and the drawings on both."""
>>>>>>> 7b3adc55af1bccf6804e8f37492ac0a612e72001
