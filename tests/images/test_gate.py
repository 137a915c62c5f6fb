"""The gate on pictures as users really have them, and on clean ones."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.images import MIN_CONTRAST, decode, gate, kind_of, prove
from hmer_tasks.images.containers import strip
from tests.images.gnarly import Case, cases
from tests.images.pages import SECRETS, encoded, page

CASES = list(cases())
CLEAN = [case for case in CASES if case.shows is not None and not case.changes]


def distance(image: Image.Image, other: Image.Image) -> float:
    """The mean difference in levels of 255."""
    assert image.size == other.size
    pair = (np.asarray(picture.convert("RGB"), dtype=np.float64) for picture in (image, other))
    return float(np.abs(next(pair) - next(pair)).mean())


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def test_the_names_are_distinct():
    assert len({case.name for case in CASES}) == len(CASES) >= 80


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gnarly(case: Case):
    if case.shows is None:
        with pytest.raises(PictureError) as caught:
            gate(case.data, case.name)
        assert (caught.value.reason, caught.value.where) == (case.reason, case.name)
        return
    picture = gate(case.data, case.name)
    assert set(picture.changes) == case.changes
    assert distance(opened(picture.data), case.shows) <= case.near
    assert not any(secret in picture.data for secret in SECRETS)
    assert kind_of(picture.data) == (
        "JPEG" if kind_of(case.data) == "JPEG" else picture.ending.upper() or kind_of(case.data)
    )
    prove(picture.data, case.name)
    again = gate(picture.data, case.name)
    assert again.data is picture.data
    # The decoder shows the same without the gate; polarity is left to the gate.
    decoded = decode(case.data, case.name)
    if "inverted" in picture.changes and "flattened" not in picture.changes:
        decoded = ImageOps.invert(decoded)
    assert distance(decoded, case.shows) <= case.near + 1


@pytest.mark.parametrize("case", CLEAN, ids=lambda case: case.name)
def test_clean_pictures_keep_their_bytes(case: Case):
    assert gate(case.data, case.name).data is case.data


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.changes - {"polarity_undecided"}], ids=lambda case: case.name
)
def test_what_the_gate_would_change_is_no_proven_picture(case: Case):
    with pytest.raises(PictureError):
        prove(case.data, case.name)


def test_a_strip_of_metadata_loses_nothing():
    for case in CASES:
        bare = strip(case.data, kind_of(case.data))
        if bare is not None and bare is not case.data and case.changes == {"stripped"}:
            assert gate(case.data, "x").data == bare
            assert opened(bare).tobytes() == opened(case.data).tobytes(), case.name


def test_the_corpus_is_believed_where_looking_does_not_tell():
    half = next(case for case in CASES if case.name == "two-halves.png")
    gated = gate(half.data, "x", light_on_dark=True)
    assert set(gated.changes) == {"inverted", "polarity_undecided"}
    assert gate(half.data, "x", light_on_dark=True, keep_polarity=True).data is half.data


@pytest.mark.parametrize("light_on_dark", (False, True))
@pytest.mark.parametrize("format", ("PNG", "JPEG", "BMP"))
@pytest.mark.parametrize("kept", (False, True))
def test_polarity_is_looked_at_whatever_the_corpus_says(light_on_dark, format, kept):
    dark_ink = page("L", 245, 10)
    for image, light in ((dark_ink, False), (ImageOps.invert(dark_ink), True)):
        picture = gate(encoded(image, format), "x", light_on_dark=light_on_dark, keep_polarity=kept)
        shown = image if kept or not light else ImageOps.invert(image)
        assert distance(opened(picture.data), shown) < 2
        assert ("inverted" in picture.changes) == (light and not kept)
        prove(picture.data, "x", keep_polarity=kept)
        if light and kept:
            with pytest.raises(PictureError):
                prove(picture.data, "x")


def test_black_ink_on_nothing_in_a_light_on_dark_corpus():
    case = next(case for case in CASES if case.name == "black-on-nothing.png")
    picture = gate(case.data, "x", light_on_dark=True)
    assert distance(opened(picture.data), case.shows) <= 1


@pytest.mark.parametrize(("range_", "ok"), ((MIN_CONTRAST, True), (MIN_CONTRAST - 1, False)))
def test_the_bound_of_blank(range_, ok):
    data = encoded(page("L", 200, 200 - range_), "PNG")
    if ok:
        assert gate(data, "x").data is data
        return
    with pytest.raises(PictureError) as caught:
        gate(data, "x")
    assert caught.value.reason is RejectReason.IMAGE_BLANK


def test_ink_as_bright_as_its_paper_is_ink():
    image = page("RGB", (0, 158, 0), (255, 18, 60))
    low, high = image.convert("L").getextrema()
    assert high - low < MIN_CONTRAST
    data = encoded(image, "PNG")
    picture = gate(data, "x")
    assert picture.data is data and picture.changes == ("polarity_undecided",)
    assert set(gate(data, "x", light_on_dark=True).changes) == {"inverted", "polarity_undecided"}


def test_heic_without_its_library_is_one_line(monkeypatch):
    from hmer_tasks.images import decoding

    monkeypatch.setattr(decoding, "_opens_heif", lambda: False)
    case = next(case for case in CASES if case.name == "still.heic")
    with pytest.raises(PictureError) as caught:
        gate(case.data, "a.heic")
    assert caught.value.place == "a.heic: a HEIC picture: pip install 'hmer-tasks[heic]'"
    assert caught.value.reason is RejectReason.IMAGE_UNREADABLE


GATED = [case for case in CASES if case.shows is not None]


@settings(max_examples=300)
@given(st.data())
def test_whatever_becomes_of_a_file_it_is_proven_or_refused(data):
    case = data.draw(st.sampled_from(GATED))
    broken = bytearray(case.data)
    places = st.integers(0, len(broken) - 1)
    early = st.integers(0, min(len(broken), 700) - 1)
    for place, value in data.draw(
        st.lists(st.tuples(st.one_of(early, places), st.integers(0, 255)), max_size=4)
    ):
        broken[place] = value
    cut = data.draw(st.one_of(st.just(len(broken)), places))
    try:
        picture = gate(bytes(broken[:cut]), "x")
    except PictureError:
        return
    prove(picture.data, "x")
    assert not any(secret in picture.data for secret in SECRETS)


def test_a_comment_after_a_scan_that_begins_with_a_zero_is_left_out():
    start, end = b"\xff\xd8\xff\xda\0\2\0\1", b"\xff\xd9"
    assert strip(start + b"\xff\xfe\0\4ab" + end, "JPEG") == start + end
    assert strip(plain := start + end, "JPEG") is plain


def test_ink_and_its_opaque_label_on_nothing_stay_as_they_are():
    image = Image.new("RGBA", (240, 120), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (20, 20, 180, 100))
    for left in range(40, 160, 24):
        image.paste((0, 0, 0, 255), (left, 50, left + 8, 80))
    picture = gate(encoded(image, "PNG"), "x")
    assert picture.changes == ("flattened",)
    shown = opened(picture.data).convert("L")
    assert (shown.getpixel((100, 25)), shown.getpixel((42, 60)), shown.getpixel((2, 2))) == (255, 0, 255)


@pytest.mark.parametrize("light_on_dark", (False, True))
@pytest.mark.parametrize("inverted", (False, True))
def test_two_bold_bars_are_proven_either_way(light_on_dark, inverted):
    """A bold `=` that fills its picture: what the gate makes of it, its own proof takes."""
    image = Image.new("L", (24, 20), 255)
    for top in (4, 12):
        image.paste(0, (2, top, 22, top + 4))
    image = ImageOps.invert(image) if inverted else image
    prove(gate(encoded(image, "BMP"), "x", light_on_dark=light_on_dark).data, "x")
