"""The table of corpora and what a user is told who has none."""

from pathlib import Path

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, find, label_file, open_corpus, samples
from hmer_tasks.exceptions import CorpusError

ON_DISK = [name for name in CORPORA if name not in ("sample", "synthetic")]


def test_find_suggests_the_nearest():
    assert find("hme100k") is CORPORA["hme100k"]
    with pytest.raises(CorpusError, match=r"no corpus 'HME100': did you mean hme100k\?"):
        find("HME100")
    with pytest.raises(CorpusError, match=r"no corpus 'zzz': there are hme100k, crohme"):
        find("zzz")


@pytest.mark.parametrize("name", ON_DISK)
def test_a_corpus_that_is_not_there(name, tmp_path):
    corpus = CORPORA[name]
    with pytest.raises(CorpusError) as caught:
        open_corpus(corpus, tmp_path / "none")
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert all(part in message for part in (str(tmp_path / "none"), corpus.origin, corpus.layout))
    assert "\n" not in message


@pytest.mark.parametrize("name", ON_DISK)
def test_an_empty_folder(name, tmp_path):
    with pytest.raises(CorpusError, match=str(tmp_path)):
        list(samples(CORPORA[name], tmp_path, "train"))


def test_records_are_complete():
    for name, corpus in CORPORA.items():
        assert corpus.name == name
        assert corpus.splits or name == "parquet"  # its files name them
        assert isinstance(corpus.default_root, Path)
        assert corpus.origin
        assert corpus.licence


def test_a_label_file_by_itself(write, picture):
    root = write({"x.tsv": "a.jpg\tx\nbroken\n", "a.jpg": picture(), "empty.tsv": ""})
    good, bad = label_file(root / "x.tsv")
    assert (good.id, good.source, good.label, good.image.load()) == (
        "a.jpg",
        "x.tsv",
        "x",
        (picture(), "a.jpg"),
    )
    assert isinstance(bad, Rejected)
    assert bad.where == "x.tsv:2: not id<TAB>label"
    for name, message in (("empty.tsv", "holds no labels"), ("none.tsv", "no such label file")):
        with pytest.raises(CorpusError, match=message):
            list(label_file(root / name))
