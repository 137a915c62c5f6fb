"""A label and its tree: tokens, parser, text forms, counts. Knows nothing of tasks or files."""
