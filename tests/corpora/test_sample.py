"""The embedded sample: fifty labels in explicit form, each with its picture."""

import io
import subprocess
import sys

import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image

from hmer_tasks.corpora import CORPORA, CorpusError, Sample, open_corpus, samples
from hmer_tasks.corpora.typeset import flatten, shapes, typeset


def labels() -> list[Sample]:
    found = list(samples(CORPORA["sample"], None, "train"))
    assert all(isinstance(row, Sample) for row in found)
    with open_corpus(CORPORA["sample"]) as files:
        reader = CORPORA["sample"].open_split(files, "train")
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in found]
    return [row for row in found if isinstance(row, Sample)]


def test_fifty_different_labels_in_explicit_form():
    rows = labels()
    assert len({row.label for row in rows}) == len({row.id for row in rows}) == len(rows) == 50
    for row in rows:
        tokens = row.label.split(" ")
        assert tokens.count("{") == tokens.count("}"), row.label
        for at, token in enumerate(tokens):
            assert len(token) == 1 or token[0] == "\\" or tokens[at - 1] in ("\\begin", "\\end"), row.label
            if token in ("_", "^", "\\frac", "\\sqrt", "\\bar", "\\vec", "\\overline"):
                assert tokens[at + 1] in ("{", "["), row.label


def test_pictures_are_dark_on_light_and_the_same_every_time():
    for row in labels()[::7]:
        data, name = row.image.load()
        assert name == f"{row.id}.png"
        assert data == row.image.load()[0]
        image = Image.open(io.BytesIO(data))
        assert (image.format, image.mode, image.getpixel((0, 0))) == ("PNG", "L", 255)
        assert image.getextrema() == (0, 255)
        assert 0.005 < image.histogram()[0] / (image.width * image.height) < 0.3


def test_a_hole_stays_white():
    image = Image.open(io.BytesIO(typeset("0")))
    middle = image.width // 2, image.height // 2
    assert image.getpixel(middle) == 255
    row = [image.getpixel((x, middle[1])) for x in range(image.width)]
    assert min(row[: middle[0]]) == min(row[middle[0] :]) == 0


def test_fractions_stand_above_one_another():
    def size(label: str) -> tuple[int, int]:
        return Image.open(io.BytesIO(typeset(label))).size

    assert size("\\frac { 1 } { 2 }")[1] > size("1 2")[1]
    assert size("1 2")[0] > size("\\frac { 1 } { 2 }")[0]


def test_a_bar_without_thickness_is_not_drawn():
    svg = fromstring('<svg><rect width="5" height="0"/><rect x="1" y="2" width="5" height="1"/></svg>')
    assert [glyph.contours for glyph in shapes(svg)] == [[[(1, 2), (6, 2), (6, 3), (1, 3)]]]


def test_path_commands():
    assert flatten("M 0 0 L 1 0 L 1 1 Z M 5 5 L 6 5") == [[(0, 0), (1, 0), (1, 1)], [(5, 5), (6, 5)]]
    (bow,) = flatten("M 0 0 Q 1 2 2 0")
    assert bow[-1] == (2, 0)
    assert max(y for _, y in bow) == 1  # half-way to the control point
    with pytest.raises(ValueError, match="'A'"):
        flatten("M 0 0 A 1 1 0 0 1 2 2")


def test_another_split_is_not_there():
    with open_corpus(CORPORA["sample"]) as files, pytest.raises(CorpusError, match="there is: train"):
        CORPORA["sample"].open_split(files, "test")


def test_the_package_is_light_to_import():
    code = "import sys, hmer_tasks.corpora; print({'sympy', 'ziamath', 'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
