"""The embedded sample: five hundred labels in explicit form, each written by hand on the spot."""

import hashlib
import io
import os
import subprocess
import sys

import pytest
from PIL import Image

from hmer_tasks.corpora import CORPORA, Sample, open_corpus, samples
from hmer_tasks.corpora.synthetic import HandPicture
from hmer_tasks.exceptions import CorpusError
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.tree import to_label

# What the pinned versions write. Pinned, because "the same bytes" is the promise: a change of it is a
# change of everybody's sample, and belongs in the CHANGELOG.
CODE = """
import hashlib
from hmer_tasks.corpora import CORPORA, samples
rows = list(samples(CORPORA["sample"], None, "train"))
digest = hashlib.sha256()
for row in rows[::25]:
    digest.update(row.label.encode() + row.image.load()[0])
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def rows() -> list[Sample]:
    entries = list(samples(CORPORA["sample"], None, "train"))
    assert all(isinstance(row, Sample) for row in entries)
    with open_corpus(CORPORA["sample"]) as files:
        reader = CORPORA["sample"].open_split(files, "train")
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in entries]
    return [row for row in entries if isinstance(row, Sample)]


def test_five_hundred_different_labels_in_explicit_form(rows):
    assert len({row.label for row in rows}) == len({row.id for row in rows}) == len(rows) == 500
    for row in rows:
        assert to_label(parse(row.label)) == row.label
        assert not unknown_commands(row.label), row.label
        assert "<none>" not in row.label


def test_pictures_are_dark_on_light_and_the_same_every_time(rows):
    for row in rows[::23]:
        assert isinstance(row.image, HandPicture)
        data, name = row.image.load()
        assert name == f"{row.id}.png"
        assert data == row.image.load()[0]
        image = Image.open(io.BytesIO(data))
        assert (image.format, image.mode, image.getpixel((0, 0))) == ("PNG", "L", 255)
        assert image.getextrema()[0] == 0
        assert 0.003 < image.histogram()[0] / (image.width * image.height) < 0.3


def test_many_people_write_it(rows):
    writers = {row.image.pen.writer(row.image.index).number for row in rows}
    assert len(writers) == 60


def test_the_same_bytes_in_another_process_and_another_hash_seed():
    printed = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=environment
        )
        printed.add(done.stdout)
    assert len(printed) == 1
    assert len(printed.pop().strip()) == len(hashlib.sha256().hexdigest())


def test_another_split_is_not_there():
    with open_corpus(CORPORA["sample"]) as files, pytest.raises(CorpusError, match="there is: train"):
        CORPORA["sample"].open_split(files, "test")


def test_the_package_is_light_to_import():
    code = "import sys, hmer_tasks.corpora; print({'sympy', 'ziamath', 'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
