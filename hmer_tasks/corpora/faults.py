"""The two errors of this package: a corpus that cannot be read, and a picture that cannot be had.

They stand apart from base.py so that the modules under it (files, archives, pictures, ink) can
raise them without a circle; everybody else imports them from `hmer_tasks.corpora`.
"""

from hmer_tasks.exceptions import PictureError

__all__ = ["CorpusError", "CorpusMissingError", "PictureError"]


class CorpusError(Exception):
    """A corpus that cannot be read at all: one line that says what, where and what to do."""


class CorpusMissingError(CorpusError):
    """Nothing at all lies where the corpus was looked for."""
