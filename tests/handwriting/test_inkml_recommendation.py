"""InkML as its recommendation allows it: each document gives the picture of a plain one, or is refused by name.

The ink is always the same: an F and a Z, which no turn or mirror leaves alike.
"""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hmer_tasks.exceptions import PictureError, RejectReason
from hmer_tasks.handwriting.ink_trace import Channels, read_points
from hmer_tasks.handwriting.inkml import parse
from hmer_tasks.handwriting.strokes import InkPicture

STEM = [(0, 0), (0, 60), (0, 120)]
TOP = [(0, 0), (40, 0), (80, 0)]
BAR = [(0, 60), (30, 60), (60, 60)]
ZED = [(120, 0), (200, 0), (120, 120), (200, 120)]
STROKES = [STEM, TOP, BAR, ZED]
ZED_TEXT = "120 0, 200 0, 120 120, 200 120"


def points(stroke, form="{x} {y}"):
    return ", ".join(form.format(x=x, y=y, nx=-x, ny=-y) for x, y in stroke)


def trace(stroke, form="{x} {y}", more=""):
    return f"<trace{more}>{points(stroke, form)}</trace>"


def traces(form="{x} {y}", more=""):
    return "".join(trace(stroke, form, more) for stroke in STROKES)


F = "".join(map(trace, STROKES[:3]))
Z = trace(ZED)
STRAY = "<trace type='penUp'>80 0, 300 400, 0 60</trace>"


def channels(*names, more=""):
    return (
        f"<traceFormat{more}>"
        + "".join(f"<channel name='{n}' {rest}/>" for n, rest in names)
        + "</traceFormat>"
    )


def plain(*names):
    return channels(*((name, "type='decimal'") for name in names))


def defined(inside):
    return f"<definitions>{inside}</definitions>"


def context(inside, more=""):
    return f"<context xml:id='c'{more}>{inside}</context>"


def brush(*properties, id="b", more=""):
    inside = "".join(f"<brushProperty name='{n}' value='{v}'/>" for n, v in properties)
    return f"<brush xml:id='{id}'{more}>{inside}</brush>"


def transform(kind, inside=""):
    return f"<canvasTransform><mapping type='{kind}'>{inside}</mapping></canvasTransform>"


UPWARDS = channels(("X", ""), ("Y", "orientation='-ve'"))
IN_C = " contextRef='#c'"
VISIBLE, GONE = brush(("transparency", "0"), ("width", "53")), brush(("transparency", "255"))
STEPS = (
    "<inkSource xml:id='s'>" + plain("X", "Y") + "<channelProperties>"
    "<channelProperty channel='X' name='resolution' value='1000' units='1/in'/>"
    "<channelProperty channel='Y' name='resolution' value='{}' units='1/in'/>"
    "</channelProperties></inkSource>"
)
SCRAP = [(500, 500), (0, 700)]

DRAWN = {
    "plain": F + Z,
    "annotation in a trace": F + "<trace>120 0, 200 0, <annotation type='note'>7 7</annotation>120 120, 200 120</trace>",
    "annotations around the points": F + f"<trace><annotation>a, b</annotation>{ZED_TEXT}<annotationXML><m>1</m></annotationXML></trace>",
    "comment and CDATA in a trace": F + "<trace>120 0, <!-- 9 9, -->200 0, <![CDATA[120 120,]]> 200 120</trace>",
    "white space and a comma at the end": F + "<trace>\n120\t0 ,\r\n200 0\n,120 120,200 120,\n</trace>",
    "pen up": F + STRAY + Z,
    "pen up in a group": f"<traceGroup>{F}<traceGroup>{STRAY}{Z}</traceGroup></traceGroup>",
    "transparent brush": defined(GONE) + F + trace(SCRAP, more=" brushRef='#b'") + Z,
    "transparent brush of a base": defined(GONE + brush(("width", "3"), id="b2", more=" brushRef='#b'")) + F + Z + trace(SCRAP, more=" brushRef='#b2'"),
    "transparent brush in a context": defined(context(GONE)) + F + trace(SCRAP, more=IN_C) + Z,
    "brush of a group, and of a trace in it": defined(GONE + brush(("color", "#0000FF"), id="v")) + F + "<traceGroup brushRef='#b'>" + trace(SCRAP) + trace(ZED, more=" brushRef='#v'") + "</traceGroup>",
    "brush that writes nothing": defined(brush(("rasterOp", "noOperation"))) + F + trace(SCRAP, more=" brushRef='#b'") + Z,
    "traces in definitions": defined(trace(SCRAP, more=" xml:id='t'")) + F + Z,
    "traces in definitions, shown": defined(trace(ZED, more=" xml:id='t'") + trace(SCRAP, more=" xml:id='u'")) + F + "<traceView traceDataRef='#t'/>",
    "group in definitions, shown twice": defined(f"<traceGroup xml:id='g'>{F}{Z}</traceGroup>") + "<traceView traceDataRef='#g'/><traceGroup><traceView traceDataRef='#g'/></traceGroup>",
    "view in definitions, shown": defined(trace(ZED, more=" xml:id='t'") + "<traceView xml:id='v' traceDataRef='#t'/>") + F + "<traceView traceDataRef='#v'/>",
    "views of traces that are drawn": F + trace(ZED, more=" id='1'") + "<traceGroup><traceView traceDataRef='1'/><traceView traceDataRef='2'/></traceGroup>",
    "Y before X": defined(context(plain("Y", "X"))) + traces("{y} {x}", IN_C),
    "further channels first": defined(context(plain("T", "X", "F", "Y"))) + traces("9 {x} 255 {y}", IN_C),
    "format by reference": defined(channels(("Y", ""), ("X", ""), more=" xml:id='f'") + context("", " traceFormatRef='#f'")) + traces("{y} {x}", IN_C),
    "two contexts": defined(context(plain("Y", "X")) + f"<context xml:id='d'>{plain('X', 'Y', 'F')}</context>") + trace(STEM, "{y} {x}", IN_C) + trace(TOP, "{x} {y} 7", " contextRef='#d'") + trace(BAR) + trace(ZED, "{y} {x}", IN_C),
    "context of a context": defined(context(plain("Y", "X")) + "<context xml:id='d' contextRef='#c'/>") + traces("{y} {x}", " contextRef='#d'"),
    "context of a group": defined(context(plain("Y", "X"))) + f"<traceGroup contextRef='#c'>{traces('{y} {x}')}</traceGroup>",
    "context in a stream": F + f"<context>{plain('Y', 'X')}</context>" + trace(ZED, "{y} {x}"),
    "default context after another": defined(context(plain("Y", "X"))) + f"<context contextRef='#c'/>{trace(STEM, '{y} {x}')}" + traces(more=" contextRef='#DefaultContext'"),
    "format of the ink source": defined(context(f"<inkSource>{plain('Y', 'X')}</inkSource>")) + traces("{y} {x}", IN_C),
    "a format that nothing names": defined(channels(("Y", ""), ("X", ""), more=" xml:id='f'")) + F + Z,
    "format under the root": plain("Y", "X") + traces("{y} {x}"),
    "intermittent channels": defined(context("<traceFormat><channel name='X'/><channel name='Y'/><intermittentChannels><channel name='B' type='boolean'/><channel name='P'/></intermittentChannels></traceFormat>")) + trace(STEM, "{x} {y}", IN_C) + trace(TOP, "{x} {y} T", IN_C) + trace(BAR, "{x} {y}F?", IN_C) + trace(ZED, "{x} {y}*-7", IN_C),
    "identity on the canvas": defined(context(transform("identity"))) + traces(more=IN_C),
    "affine to the canvas": defined(context(transform("affine", "<affine>0 2 10, 0.5 0 -7</affine>"))) + "".join(trace([(2 * y, x / 2) for x, y in stroke], more=IN_C) for stroke in STROKES),
    "affine, Y before X": defined(context(plain("Y", "X") + transform("affine", "<matrix>0 1 0, -1 0 120</matrix>"))) + "".join(trace([(120 - y, x) for x, y in stroke], more=IN_C) for stroke in STROKES),
    "affine to a canvas whose Y grows upwards": defined(context(f"<canvas>{UPWARDS}</canvas>" + transform("affine", "<affine>1 0 0, 0 1 0</affine>"))) + traces("{x} {ny}", IN_C),
    "Y grows upwards": channels(("X", ""), ("Y", "orientation='-ve'")) + traces("{x} {ny}"),
    "X grows to the left": defined(context(channels(("X", "orientation='-ve'"), ("Y", "orientation='+ve'")))) + traces("{nx} {y}", IN_C),
    "both, in a context": defined(context(channels(("Y", "orientation='-ve'"), ("X", "orientation='-ve'")))) + traces("{ny} {nx}", IN_C),
    "millimetres and centimetres": channels(("X", "units='mm'"), ("Y", "units='cm'")) + "".join(trace([(x, y / 10) for x, y in stroke]) for stroke in STROKES),
    "inches and points": channels(("X", "units='pt'"), ("Y", "units='in'")) + "".join(trace([(x * 72, y) for x, y in stroke]) for stroke in STROKES),
    "centimetres in both": channels(("X", "units='cm'"), ("Y", "units='cm'")) + F + Z,
    "unequal resolutions": defined(context(STEPS.format(500))) + "".join(trace([(2 * x, y) for x, y in stroke], more=IN_C) for stroke in STROKES),
    "equal resolutions": defined(context(STEPS.format(1000))) + traces(more=IN_C),
    "first differences": F + "<trace>120 0, '80 '0, -80 120, 80 0</trace>",
    "second differences": F + "<trace>120 0, '80 '0, \"-160 \"120, 160 -120</trace>",
    "second differences after explicit values": F + "<trace>120 0, 200 0, \"-160 \"120, 160 -120</trace>",
    "values with nothing between them": F + "<trace>120 0,'80'0,\"-160\"120,160-120</trace>",
    "explicit again": F + "<trace>120 0, '80 '0, !120 !120, 200 120</trace>",
    "a value as before": F + "<trace>120 0, 200 *, 120 120, 200*</trace>",
    "hexadecimal": F + "<trace>#78 #0, #C8 0, #78#78, #c8 #78</trace>",
    "continued": F + "<trace xml:id='t' continuation='begin'>120 0, 200 0</trace>" + "<trace xml:id='u' continuation='middle' priorRef='#t'>120 120</trace><trace continuation='end' priorRef='#u'>200 120</trace>",
    "last values that are not there": plain("X", "Y", "T") + F + "<trace>120 0, 200 0 5, 120 120, 200 120 9</trace>",
    "no trace format and time": traces("{x} {y} 17.5"),
    "as a word processor writes it": defined(
        context(
            "<inkSource xml:id='i'><traceFormat><channel name='X' type='integer' min='-9' max='9E6' units='cm'/>"
            "<channel name='Y' type='integer' units='cm'/><channel name='F' type='integer' units='dev'/></traceFormat>"
            "<channelProperties><channelProperty channel='X' name='resolution' value='1000' units='1/cm'/>"
            "<channelProperty channel='Y' name='resolution' value='1000' units='1/cm'/>"
            "<channelProperty channel='F' name='resolution' value='0' units='1/dev'/></channelProperties></inkSource>"
        )
        + brush(("width", "0.05"), ("color", "#ED1C24"), ("fitToCurve", "1"))
    )
    + "".join(trace(stroke, "{x} {y} 1023", IN_C + " brushRef='#b'") for stroke in STROKES[:3])
    + "<traceGroup><trace contextRef='#c' brushRef='#b'>120 0 767,'80'0'0,-80 120 64,80 0-127</trace></traceGroup>",
}  # fmt: skip

UNSUPPORTED = {
    "element in a trace": F + "<trace>120 0, <point>200 0</point>, 120 120, 200 120</trace>",
    "pen that may be up": F + trace(ZED, more=" type='indeterminate'"),
    "half transparent brush": defined(brush(("transparency", "128"))) + F + trace(SCRAP, more=" brushRef='#b'") + Z,
    "highlighter": defined(brush(("rasterOp", "maskPen"), ("color", "#0000FF"))) + F + trace(SCRAP, more=" brushRef='#b'") + Z,
    "white brush": defined(brush(("color", "#FFFFFF"))) + F + Z + trace(SCRAP, more=" brushRef='#b'"),
    "part of a trace, shown": defined(trace([*ZED, *SCRAP], more=" xml:id='t'")) + F + "<traceView traceDataRef='#t' from='1' to='4'/>",
    "trace in an element of nobody's": F + f"<page>{Z}</page>",
    "trace of another document": defined(Z) + F + "<traceView traceDataRef='other.inkml#t'/>",
    "context of another document": F + trace(ZED, more=" contextRef='http://example.org/c.inkml#c'"),
    "polar coordinates": plain("R", "A") + F + Z,
    "X that is not always there": "<traceFormat><channel name='Y'/><intermittentChannels><channel name='X'/></intermittentChannels></traceFormat>" + F + Z,
    "channel with a mapping": defined(context("<traceFormat><channel name='X'><mapping type='lookup'/></channel><channel name='Y'/></traceFormat>")) + traces(more=IN_C),
    "lookup on the canvas": defined(context(transform("lookup", "<table>0 0, 9 9</table>"))) + traces(more=IN_C),
    "affine to the canvas, flat": defined(context(transform("affine", "<affine>1 0 0, 1 0 0</affine>"))) + traces(more=IN_C),
    "affine to the canvas, of three channels": defined(context(plain("X", "Y", "F") + transform("affine", "<affine>1 0 0 0, 0 1 0 0</affine>"))) + traces("{x} {y} 1", IN_C),
    "canvas oriented otherwise": defined(context(f"<canvas>{UPWARDS}</canvas>")) + traces(more=IN_C),
    "millimetres and device units": channels(("X", "units='mm'"), ("Y", "units='dev'")) + F + Z,
    "millimetres and nothing": channels(("X", "units='mm'"), ("Y", "")) + F + Z,
    "units of nobody's": channels(("X", "units='em'"), ("Y", "units='ex'")) + F + Z,
    "as before, among differences": F + "<trace>120 0, '80 '0, -80 120, 80 *</trace>",
    "a coordinate that is not reported": F + "<trace>120 0, 200 ?, 120 120, 200 120</trace>",
    "brush outside a context": brush(("transparency", "255")) + F + Z,
    "far stray point": F + "<trace>120 0, 200 0, 120 120, 200 120, 90000 90000</trace>",
    "far stray trace": F + Z + "<trace>-100000 40</trace>",
    "ink in two far corners": F + Z + trace([(x + 90000, y + 90000) for x, y in ZED]),
}  # fmt: skip

UNREADABLE = {
    "context that is not there": F + trace(ZED, more=" contextRef='#nobody'"),
    "brush that is not there": F + trace(ZED, more=" brushRef='#b'"),
    "context that is a brush": defined(brush()) + F + trace(ZED, more=" contextRef='#b'"),
    "contexts in a circle": defined(
        "<context xml:id='c' contextRef='#d'/><context xml:id='d' contextRef='#c'/>"
    )
    + traces(more=IN_C),
    "brushes in a circle": defined(brush(more=" brushRef='#b'")) + traces(more=" brushRef='#b'"),
    "continuation of nothing": F + trace(ZED, more=" continuation='end' priorRef='#t'"),
    "points without commas": F + "<trace>120 0 200 0 120 120 200 120</trace>",
    "more values than channels": plain("X", "Y") + traces("{x} {y} 7"),
    "fewer values than channels": plain("X", "F", "Y") + F + Z,
    "difference at the start": F + "<trace>'120 '0, 80 0</trace>",
    "second difference at the start": F + '<trace>120 0, "80 "0</trace>',
    "truth value as a coordinate": F + "<trace>120 0, T 0</trace>",
}


def document(inside):
    return f'<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">F Z</annotation>{inside}</ink>'.encode()


def picture(data):
    ink = parse(data, "x.inkml")
    return InkPicture(None, "x.inkml", ink).load()[0]


REFERENCE = picture(document(F + Z))


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_picture_as_plain_ink(name):
    assert picture(document(DRAWN[name])) == REFERENCE


@pytest.mark.parametrize(
    ("name", "reason"),
    [(name, RejectReason.INK_UNSUPPORTED) for name in UNSUPPORTED]
    + [(name, RejectReason.INK_UNREADABLE) for name in UNREADABLE],
)
def test_refused_by_name(name, reason):
    with pytest.raises(PictureError) as caught:
        picture(document((UNSUPPORTED | UNREADABLE)[name]))
    assert caught.value.reason is reason, caught.value
    assert caught.value.where == "x.inkml"
    assert "\n" not in caught.value.detail


def test_the_reference_is_what_it_should_be():
    assert parse(document(F + Z), "x").strokes == STROKES
    image = Image.open(io.BytesIO(REFERENCE))
    assert image.width > image.height


def test_the_example_of_the_recommendation():
    """Differences and values with nothing between them, as its section on traces writes them."""
    text = "1125 18432,'23'43,\"7\"-8,3-5,7-3,6 2,6 8,3 6T,2 4*T,3 6,3-6 F F"
    read = read_points(text, Channels(0, 1, 2, 2))
    assert read[:4] == [(1125, 18432), (1148, 18475), (1178, 18510), (1211, 18540)]
    assert len(read) == 11


def test_deep_groups_and_long_chains_end():
    for inside in (
        "<traceGroup>" * 5000 + Z + "</traceGroup>" * 5000,
        f"<ink>{'<traceGroup>' * 90}{Z}{'</traceGroup>' * 90}</ink>",
    ):
        with pytest.raises(PictureError):
            parse(document(inside), "x")
    links = "".join(f"<context xml:id='c{i}' contextRef='#c{i + 1}'/>" for i in range(3000))
    with pytest.raises(PictureError):
        parse(document(defined(links) + trace(ZED, more=" contextRef='#c0'")), "x")


NUMBER = st.integers(-10_000, 10_000)


@given(st.lists(st.tuples(NUMBER, NUMBER, st.sampled_from("!'\""), st.booleans()), min_size=1, max_size=30))
def test_any_coding_of_any_stroke(rows):
    """Each point coded in one of the three ways, with or without white space, gives the point back."""
    wanted = [(x, y) for x, y, _, _ in rows]
    coded = []
    for number, (x, y, drawn, spaced) in enumerate(rows):
        order = "!" if number == 0 else "'" if number == 1 and drawn == '"' else drawn
        values = []
        for axis, value in enumerate((x, y)):
            back = [point[axis] for point in wanted[max(0, number - 2) : number]]
            expected = {"!": 0, "'": back[-1:], '"': back}[order]
            base = 0 if not expected else expected[0] if order == "'" else 2 * expected[1] - expected[0]
            values.append(f"{order}{value - base}")
        coded.append((" " if spaced else "").join(values))
    assert read_points(",".join(coded), Channels()) == wanted


@given(st.text("0123456789-+.eE#'\"!*?TF, \n", max_size=60))
def test_any_text_is_points_or_a_refusal(text):
    try:
        read = parse(f"<ink><trace>{text}</trace></ink>".encode(), "x").strokes
    except PictureError as error:
        assert error.reason in (
            RejectReason.INK_UNREADABLE,
            RejectReason.INK_EMPTY,
            RejectReason.INK_UNSUPPORTED,
        )
    else:
        assert len(read[0]) == text.strip().removesuffix(",").count(",") + 1
