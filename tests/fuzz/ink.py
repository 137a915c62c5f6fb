"""The InkML reader: a document is refused by name, or gives strokes of sound numbers and texts."""

import math

from hmer_tasks.exceptions import PictureError
from hmer_tasks.handwriting.inkml import parse
from tests.fuzz.common import check_line

WORDS = [word.encode() for word in (
    '<ink xmlns="http://www.w3.org/2003/InkML">', "<ink>", "</ink>", "<trace id='0'>", "</trace>", "1 2, 3 4", ", ",
    "1e309", "-1e9", "nan", "inf", "1_0", "0x1", "٣ ٤", "'1 '2", "<traceFormat>", "<channel name='X' type='decimal'/>",
    "<channel name='Y'/>", "<channel name='T'/>", "</traceFormat>", "<annotation type='truth'>", "</annotation>", "$x$",
    "<traceGroup>", "</traceGroup>", "<traceView traceDataRef='0'/>", "<annotationXML>", "<math>", "</math>", "&lt;",
    "<!DOCTYPE ink [<!ENTITY a 'b'>]>", "&a;", "&#0;", "&#xD800;", "<![CDATA[", "]]>", "<!--", "-->", "<?xml version='1.0'",
    " encoding='utf-16'", " encoding='latin-1'", " encoding='idna'", " encoding='hex'", " encoding='shift_jis'", "?>",
    " encoding='unicode_escape'", " encoding='punycode'", " encoding='\u0000'", "xmlns:a='b'", "a:trace", "\ufeff", "\ufffd",
)]  # fmt: skip


def run(data: bytes) -> None:
    try:
        ink = parse(data, "x.inkml")
    except PictureError as error:
        check_line(error)
        return
    assert ink.strokes
    assert all(math.isfinite(x) and math.isfinite(y) for stroke in ink.strokes for x, y in stroke)
    for text in (
        ink.truth or "",
        *ink.annotations,
        *ink.annotations.values(),
        *(truth for truth, _ in ink.groups),
    ):
        text.encode()
