"""How the stroke table of hmer_tasks/handwriting was made, and what proves the hand."""
