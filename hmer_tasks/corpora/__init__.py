"""Corpora: each one a file here, kept to the contract of base.py, and named in `CORPORA`."""

import difflib

from hmer_tasks.corpora import (
    cmer,
    crohme,
    crohme2023,
    fermat,
    folder,
    hme100k,
    im2latexv2,
    m2e,
    mathwriting,
    mne,
    parquet,
    recombined,
    released,
    sample,
    synthetic,
    unimer,
)
from hmer_tasks.corpora.base import Corpus, Picture, Rejected, Sample, SplitReader, open_corpus, samples
from hmer_tasks.corpora.labelled import label_file, opened_label_file
from hmer_tasks.exceptions import CorpusError, CorpusMissingError, PictureError
from hmer_tasks.storage.files import Files
from hmer_tasks.storage.opening import open_files

__all__ = [
    "CORPORA",
    "Corpus",
    "CorpusError",
    "CorpusMissingError",
    "Files",
    "Picture",
    "PictureError",
    "Rejected",
    "Sample",
    "SplitReader",
    "find",
    "label_file",
    "open_corpus",
    "open_files",
    "opened_label_file",
    "samples",
]

CORPORA: dict[str, Corpus] = {
    module.CORPUS.name: module.CORPUS
    for module in (
        hme100k,
        crohme,
        crohme2023,
        mathwriting,
        im2latexv2,
        mne,
        unimer,
        m2e,
        cmer,
        fermat,
        recombined,
        released,
        folder,
        parquet,
        sample,
        synthetic,
    )
}


def find(name: str) -> Corpus:
    """A corpus by its name. Raises CorpusError with the nearest name, and all there are."""
    if name in CORPORA:
        return CORPORA[name]
    near = difflib.get_close_matches(name.lower(), CORPORA, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise CorpusError(f"no corpus {name!r}: {hint}there are {', '.join(CORPORA)}")
