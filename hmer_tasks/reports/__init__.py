"""HTML pages that need no network: a build to leaf through, an evaluation, and the drawings on both."""
