"""The pen: what is drawn, in which look, by whom; and what is refused."""

import io
import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hmer_tasks.exceptions import LabelError, RejectReason
from hmer_tasks.handwriting.forms import HERE, forms
from hmer_tasks.handwriting.paper import SHARES
from hmer_tasks.handwriting.pen import sampled
from hmer_tasks.handwriting.symbols import NAMES, _named, form_names
from hmer_tasks.handwriting.writing import drawable, write, write_ink, writer
from hmer_tasks.latex.parser import parse
from tests.conftest import read_labels

LABEL = "x ^ { 2 } + \\frac { 1 } { 2 } = \\sqrt { 3 }"
CODE = """
import hashlib
from hmer_tasks.handwriting.writing import write, writer
for look in ("ink", "photo"):
    print(hashlib.sha256(write(r"\\sum _ { i } x _ { i } = 4", writer(7), 3, look).data).hexdigest())
"""


@pytest.mark.parametrize("look", ["ink", "photo"])
def test_the_same_key_the_same_bytes(look):
    first, second = write(LABEL, writer(5), 1, look), write(LABEL, writer(5), 1, look)
    assert first == second
    others = [write(LABEL, writer(6), 1, look), write(LABEL, writer(5), 2, look)]
    assert len({first.data, *(picture.data for picture in others)}) == 3


def test_the_same_bytes_whatever_was_drawn_before_and_whatever_the_hash_seed():
    printed = set()
    for seed in ("3", "4"):
        done = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        printed.add(done.stdout)
    assert len(printed) == 1


def test_looks():
    ink, photo = (write(LABEL, writer(2), 0, look) for look in ("ink", "photo"))
    drawn, taken = Image.open(io.BytesIO(ink.data)), Image.open(io.BytesIO(photo.data))
    assert (ink.ending, drawn.format, drawn.mode, drawn.size) == ("png", "PNG", "L", ink.size)
    assert (photo.ending, taken.format, taken.mode, taken.size) == ("jpg", "JPEG", "RGB", photo.size)
    assert drawn.getpixel((0, 0)) == 255
    grey = np.asarray(taken.convert("L"), dtype=float)
    assert 60 < np.median(grey) < 250  # paper
    assert grey.min() < np.median(grey) - 40  # ink on it


@pytest.mark.parametrize("number", range(10))
def test_in_a_photograph_the_boxes_lie_on_the_ink(number):
    written = write("8 + 8", writer(number), number, "photo")
    grey = np.asarray(Image.open(io.BytesIO(written.data)).convert("L"), dtype=float)
    for place in written.boxes:
        assert place is not None
        left, top, right, bottom = (round(value) for value in place)
        inside = grey[max(top, 0) : bottom, max(left, 0) : right]
        beside = np.median(grey[max(top - 4, 0) : bottom + 4, max(left - 8, 0) : right + 8])
        assert inside.min() < beside - 25


def test_twelve_writers_differ():
    """Pictures of one label, scaled to one size: no two writers lie near one another."""
    pictures = []
    for number in range(12):
        image = Image.open(io.BytesIO(write("a x + b = 2 5 y", writer(number), 0).data))
        small = np.asarray(image.resize((180, 40)), dtype=float)
        pictures.append((255 - small) / np.linalg.norm(255 - small))
    likeness = [float((a * b).sum()) for a, b in combinations(pictures, 2)]
    again = Image.open(io.BytesIO(write("a x + b = 2 5 y", writer(0), 1).data)).resize((180, 40))
    same = 255 - np.asarray(again, dtype=float)
    assert max(likeness) < 0.9
    assert float((pictures[0] * same / np.linalg.norm(same)).sum()) > np.median(likeness)


def test_what_cannot_be_drawn_is_refused_by_name():
    with pytest.raises(LabelError, match=r"not_drawable at token 2: \\foo cannot be drawn") as caught:
        write("x + \\foo y", writer(0))
    assert (caught.value.reason, caught.value.position) == (RejectReason.NOT_DRAWABLE, 2)
    for label in ("中", "\\mathfrak { g }", "\\raisebox { 1 }", "\\,"):
        with pytest.raises(LabelError):
            write(label, writer(0))
        assert not drawable(label)
    assert drawable(LABEL)


def test_every_named_form_exists_and_is_sound():
    for token in [*_named(), *"abcxyzABCXYZ0123456789+-=()[]/.,!?<>|", *NAMES]:
        assert form_names(token) or token in NAMES, token
    for name, drawn_form in forms().items():
        for form in drawn_form:
            assert form.strokes, name
            assert all(np.isfinite(stroke).all() and len(stroke) >= 2 for stroke in form.strokes), name
            assert min(stroke[:, 0].min() for stroke in form.strokes) == pytest.approx(0), name
            assert form.width < 250, name
            assert form.bottom - form.top < 260, name


def test_the_table_has_its_licence_and_no_reserved_name():
    text = (HERE / "table" / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in text
    hands = {path.stem for path in (HERE / "table").glob("*.tsv")}
    assert len(hands) >= 8
    assert all(len(hand) == 1 or hand == "script" for hand in hands)
    notice = text.split("SIL OPEN FONT LICENSE")[0]
    for hand in hands:
        assert any(
            hand in line.split("Copyright")[0].replace(",", " ").split() for line in notice.splitlines()
        ), hand


SYMBOLS = st.sampled_from(
    "x y 1 2 + - = ( ) \\alpha \\frac \\sqrt \\sum _ ^ { } \\bar [ ] | \\left \\right".split()
)


@given(st.lists(SYMBOLS, min_size=1, max_size=14), st.integers(0, 30))
@settings(max_examples=300)
def test_whatever_parses_is_drawn_or_refused_by_name(tokens, number):
    label = " ".join(tokens)
    try:
        parse(label)
    except LabelError:
        return
    try:
        written = write(label, writer(number))
    except LabelError as error:
        assert error.reason is RejectReason.NOT_DRAWABLE
    else:
        assert any(written.boxes)


@pytest.mark.corpora
@pytest.mark.parametrize(
    "name",
    ["hme100k/train_labels_59452", "hme100k/test_half_a", "crohme/captions_train", "crohme/captions_2014"],
)
def test_every_token_of_real_labels_is_drawable(corpora, name):
    """One label for every token of the file: the first that has it and parses."""
    first: dict[str, str] = {}
    for label in read_labels(corpora / f"{name}.tsv"):
        for token in label.split():
            if token not in first and _parses(label):
                first[token] = label
    assert len(first) > 100
    refused = {token: label for token, label in first.items() if not drawable(label)}
    assert not refused


def _parses(label: str) -> bool:
    try:
        parse(label)
    except LabelError:
        return False
    return True


def test_every_share_of_a_photograph_is_seen_and_its_boxes_stay_on_the_ink():
    """Each named thing alone: another picture than the plain one, and the symbols where they are said to be."""
    plain = pictures_with(set())
    for name in SHARES:
        seen = pictures_with({name})
        assert [picture.data for picture in seen] != [picture.data for picture in plain], name
        for written in seen:
            width, height = written.size
            for place in written.boxes:
                assert place is not None
                assert -2 <= place[0] < place[2] <= width + 2, name
                assert -2 <= place[1] < place[3] <= height + 2, name


def pictures_with(names):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hmer_tasks.handwriting.paper.SHARES", {name: float(name in names) for name in SHARES})
        return [write("8 + 8", writer(number), number, "photo") for number in (1, 2)]


@pytest.mark.parametrize("number", range(6))
def test_two_copies_of_a_symbol_are_never_alike(number):
    ink, _ = write_ink("a a", writer(number), 0)
    first, second = (
        np.concatenate([stroke for n, stroke in zip(ink.numbers, ink.strokes, strict=True) if n == node])
        for node in (0, 1)
    )
    sizes = [np.ptp(some_stroke, axis=0) for some_stroke in (first, second)]
    assert not np.allclose(sizes[0], sizes[1], rtol=0.005)


def test_a_tablet_keeps_corners_and_its_grid():
    corner = np.array(
        [(float(x), 0.0) for x in range(0, 101, 5)] + [(100.0, float(y)) for y in range(5, 101, 5)]
    )
    taken, counts = sampled(np.concatenate([corner, corner + 200]), [len(corner)] * 2, pace=12.0, grid=1.5)
    assert sum(counts) == len(taken)
    assert len(taken) < len(corner) * 2
    np.testing.assert_allclose(taken / 1.5, np.round(taken / 1.5), atol=1e-9)
    assert np.hypot(*(taken[: counts[0]] - (100, 0)).T).min() < 6  # the corner is not cut
    np.testing.assert_allclose(taken[0], (0, 0), atol=0.8)
    np.testing.assert_allclose(taken[counts[0]], (200, 200), atol=0.8)
