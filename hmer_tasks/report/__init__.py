"""`hmer-tasks report`: a finished build as one page to leaf through, with its refusals and statistics."""
