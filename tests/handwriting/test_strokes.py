"""Ink drawn: a legible size, the right shape, the same bytes."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hmer_tasks.handwriting.inkml import Ink
from hmer_tasks.handwriting.strokes import FINEST, LONGEST, MARGIN, draw, render
from hmer_tasks.images import decode

CROSS = [[(0.0, 0.0), (10.0, 10.0)], [(0.0, 10.0), (10.0, 0.0)]]
ROW = [[(x * 20.0, 0.0), (x * 20.0 + 10, 10.0)] for x in range(8)]


def dark(image: Image.Image) -> tuple[int, int, int, int]:
    box = image.point(lambda value: 255 * (value < 128)).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("unit", (1e-4, 1.0, 250.0, 1e5))
def test_the_devices_unit_does_not_matter(unit):
    scaled = [[(x * unit + 7 * unit, y * unit) for x, y in stroke] for stroke in ROW]
    assert draw(scaled).size == draw(ROW).size


def test_proportions_margins_and_polarity():
    image = draw(ROW)
    left, top, right, bottom = dark(image)
    assert (image.mode, image.getpixel((0, 0))) == ("L", 255)
    assert abs((right - left) / (bottom - top) - 150 / 10) < 1.5  # 15 but for the pen's width
    for gap in (left, top, image.width - right, image.height - bottom):
        assert MARGIN - 2 <= gap <= MARGIN + 2


def test_y_grows_downwards_and_both_strokes_are_there():
    image = draw([[(0, 0), (0, 10)], [(0, 10), (10, 10)]])  # an L
    left, top, right, bottom = dark(image)
    assert image.getpixel((left + 1, top + 5)) < 128
    assert image.getpixel((right - 5, bottom - 2)) < 128
    assert image.getpixel((right - 5, top + 5)) > 128


def test_a_curve_has_no_gaps_at_its_joints():
    image = draw([[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]])
    left, top, right, bottom = dark(image)
    assert all(image.getpixel((x, top + 1)) < 128 for x in range(left + 2, right - 2))
    assert all(image.getpixel((right - 2, y)) < 128 for y in range(top + 2, bottom - 2))


def test_a_dot_is_a_round_dot():
    left, top, right, bottom = dark(draw([[(5.0, 5.0)]]))
    assert right - left == bottom - top >= FINEST
    crossed = draw([*CROSS, [(30.0, 5.0)]])
    assert dark(crossed)[2] > dark(draw(CROSS))[2]


def test_the_same_bytes_every_time():
    data = render(Ink(ROW, None))
    assert data == render(Ink([list(stroke) for stroke in ROW], "x"))
    assert decode(data, "x").size == draw(ROW).size


@pytest.mark.parametrize("width", (1e3, 1e6, 1e9))
def test_very_long_ink_stays_within_bounds(width):
    image = draw([*CROSS, [(0.0, 5.0), (width, 5.0)], *([[(x, 0.0), (x, 9.0)] for x in range(0, 900, 9)])])
    assert image.width <= LONGEST + 2 * MARGIN + 10
    assert image.width / image.height <= 200


POINT = st.tuples(st.floats(-1e8, 1e8, width=32), st.floats(-1e8, 1e8, width=32))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(POINT, min_size=1, max_size=6), min_size=1, max_size=6))
def test_any_ink_is_a_picture_that_can_be_trained_on(strokes):
    image = decode(render(Ink(strokes, None)), "x")
    assert min(image.size) >= 2 * MARGIN
    assert max(image.size) <= LONGEST + 2 * MARGIN + 10
    assert dark(image)


@pytest.mark.corpora
def test_real_ink_is_small_and_legible(corpora):
    from hmer_tasks.handwriting.inkml import parse
    from hmer_tasks.storage.opening import open_files

    sizes, heights = [], []
    with open_files(corpora / "crohme" / "test2014_inkml.tar.xz") as files:
        for name in files.names(suffix=".inkml")[::10]:
            data = render(parse(files.read(name), name))
            sizes.append(len(data))
            heights.append(Image.open(io.BytesIO(data)).height)
    assert 1_000 < sum(sizes) / len(sizes) < 6_000
    assert 80 < sorted(heights)[len(heights) // 2] < 240
