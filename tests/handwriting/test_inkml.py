"""InkML read: what the packages hold, and what they should not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.handwriting.inkml import parse

DOCUMENT = """<ink xmlns="http://www.w3.org/2003/InkML">
<traceFormat><channel name="X" type="decimal"/><channel name="Y" type="decimal"/></traceFormat>
<annotation type="UI">one</annotation>
<annotation type="truth"> $x_1$ </annotation>
<annotationXML type="truth"><math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math></annotationXML>
<trace id="0">
1 2, 3 4 , 5 6
</trace>
<trace id="1">-7.5e1 +.5</trace>
<traceGroup xml:id="9">
 <annotation type="truth">Segmentation</annotation>
 <traceGroup><annotation type="truth">x</annotation>
  <traceView traceDataRef="0"/><traceView traceDataRef="2"/></traceGroup>
 <traceGroup><annotation type="truth">1</annotation><traceView traceDataRef="1"/></traceGroup>
</traceGroup>
</ink>"""


def ink_of(traces: str, before: str = "", head: str = "") -> bytes:
    return f"{head}<ink>{before}{traces}</ink>".encode()


def reason_of(data: bytes | str) -> tuple[RejectReason, str]:
    with pytest.raises(PictureError) as caught:
        parse(data.encode() if isinstance(data, str) else data, "x.inkml")
    assert caught.value.where == "x.inkml"
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize(
    "data",
    (
        DOCUMENT,
        DOCUMENT.replace(' xmlns="http://www.w3.org/2003/InkML"', ""),
        DOCUMENT.replace("2003/InkML", "2003/inkml"),
        '<?xml version="1.0" encoding="UTF-8"?>\n' + DOCUMENT,
        "\ufeff" + DOCUMENT,
    ),
)
def test_a_document(data):
    ink = parse(data.encode(), "x")
    assert ink.strokes == [[(1, 2), (3, 4), (5, 6)], [(-75, 0.5)]]
    assert ink.truth == " $x_1$ "  # the expression's, not a symbol's, and untouched
    assert ink.annotations == {"UI": "one", "truth": " $x_1$ "}
    assert ink.groups == [("x", ("0", "2")), ("1", ("1",))]
    assert ink.mathml is not None
    assert len(ink.mathml) == 1


def test_a_symbols_truth_is_not_the_expressions():
    document = DOCUMENT.replace('<annotation type="truth"> $x_1$ </annotation>', "")
    assert parse(document.encode(), "x").truth is None


@pytest.mark.parametrize(
    ("channels", "trace"), (("XYT", "1 2 9, 3 4 9"), ("XYFT", "1 2 9 9, 3 4 9 9,"), ("TYX", "9 2 1, 9 4 3"))
)
def test_channels(channels, trace):
    form = "".join(f'<channel name="{name}"/>' for name in channels)
    data = ink_of(f"<trace>{trace}</trace><trace/>", f"<traceFormat>{form}</traceFormat>")
    assert parse(data, "x").strokes == [[(1, 2), (3, 4)]]


@pytest.mark.parametrize(
    "data", ("", "  \n", "<ink/>", "<ink><trace/></ink>", "<ink><trace> \n </trace></ink>")
)
def test_no_ink(data):
    assert reason_of(data)[0] is RejectReason.INK_EMPTY


@pytest.mark.parametrize(
    "data",
    (
        "<ink><trace>1 2</trace>",
        "<html><trace>1 2</trace></html>",
        "not xml",
        b"\x00\x01\x02",
        '<?xml version="1.0" encoding="no-such"?><ink><trace>1 2</trace></ink>',
        '<?xml version="1.0" encoding="utf-32"?><ink><trace>1 2</trace></ink>',
    ),
)
def test_what_is_not_inkml(data):
    assert reason_of(data)[0] is RejectReason.INK_UNREADABLE


BOMB = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))


@pytest.mark.parametrize(
    "head",
    (
        f'<!DOCTYPE ink [<!ENTITY a0 "ha">{BOMB}]>',
        '<!DOCTYPE ink [<!ENTITY f SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE ink SYSTEM "http://example.org/x.dtd">',
        "<!DOCTYPE ink>",
    ),
)
def test_bombs_and_document_types(head):
    reason, detail = reason_of(ink_of("<trace>1 2</trace>", head=head))
    assert reason is RejectReason.INK_UNREADABLE
    assert "DTD" in detail


@pytest.mark.parametrize(
    ("trace", "place"),
    (
        ("1 2, 3 4, x 6", "trace t, point 2 ('x 6')"),
        ("1 2, , 3 4", "trace t, point 1"),
        ("1", "trace t, point 0 ('1')"),
        ("1 nan", "point 0"),
        ("1 2, inf 0", "point 1"),
        ("1 1e300", "point 0"),
        ("1 '2", "point 0"),
        ("10 0 9 14 8 28", "point 0"),  # of a draft: no comma between points
    ),
)
def test_a_garbage_point_is_named(trace, place):
    reason, detail = reason_of(ink_of(f'<trace id="t">{trace}</trace>'))
    assert reason is RejectReason.INK_UNREADABLE
    assert place in detail


def test_a_stray_latin_1_byte_matters_only_in_the_truth():
    truth = '<annotation type="truth">x \xb7 y</annotation>'
    data = f"<ink><math>\xb7</math><trace>1 2</trace>{truth}</ink>".encode("latin-1")
    assert reason_of(data)[0] is RejectReason.NOT_UTF8
    data = f"<ink><math>\xb7</math><trace>1 2</trace>{truth}</ink>".replace(" \xb7", "").encode("latin-1")
    assert parse(data, "x").truth == "x y"
    declared = f'<?xml version="1.0" encoding="ISO-8859-1"?><ink><trace>1 2</trace>{truth}</ink>'
    assert parse(declared.encode("latin-1"), "x").truth == "x \xb7 y"


COORDINATE = st.floats(-1e8, 1e8)


@given(st.lists(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1), min_size=1))
def test_any_coordinates_are_read_back(strokes):
    traces = "".join(f"<trace>{', '.join(f'{x!r} {y!r}' for x, y in s)}</trace>" for s in strokes)
    assert parse(ink_of(traces), "x").strokes == strokes


@given(st.text("<ink>trace/ 0,12&;\"='!", max_size=60) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        parse(data.encode() if isinstance(data, str) else data, "x")
    except PictureError as error:
        assert error.where == "x"


@pytest.mark.corpora
def test_all_of_crohme(corpora):
    from hmer_tasks.storage.opening import open_files

    read, refused = 0, []
    for name in ("train_inkml", "test2014_inkml"):
        with open_files(corpora / "crohme" / f"{name}.tar.xz") as files:
            for file in files.names(suffix=".inkml"):
                try:
                    ink = parse(files.read(file), file)
                except PictureError as error:
                    refused.append((file, error.reason))
                else:
                    assert ink.truth
                    read += 1
    assert read == 9821
    assert refused == [("TrainINKML/MfrDB/MfrDB3088.inkml", RejectReason.INK_EMPTY)]
