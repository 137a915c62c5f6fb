"""What everything stands on: atomic files, bounded reading, progress, worker processes, grammar data.

Nothing here knows of LaTeX, corpora or builds.
"""
