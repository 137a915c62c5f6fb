"""The two errors of this package: a corpus that cannot be read, and a picture that cannot be had.

They stand apart from base.py so that the modules under it (files, archives, pictures, ink) can
raise them without a circle; everybody else imports them from `hmer_tasks.corpora`.
"""

from hmer_tasks.reasons import Reason


class CorpusError(Exception):
    """A corpus that cannot be read at all: one line that says what, where and what to do."""


class CorpusMissingError(CorpusError):
    """Nothing at all lies where the corpus was looked for."""


class PictureError(Exception):
    """A picture that cannot be had: a named reason, where it was looked for, and a few words.

    `where` is a name inside the corpus (`train/train_images/train_0.jpg`), never a machine's path,
    so that what a build writes about it is the same everywhere.
    """

    def __init__(self, reason: Reason, where: str, detail: str = "") -> None:
        super().__init__(reason, where, detail)
        self.reason = reason
        self.where = where
        self.detail = detail

    @property
    def place(self) -> str:
        """`where`, and the detail if there is one."""
        return f"{self.where}: {self.detail}" if self.detail else self.where

    def __str__(self) -> str:
        return f"{self.reason} at {self.place}"
