"""How the stroke table of hmer_tasks/corpora/hand was made, and what proves the hand."""
