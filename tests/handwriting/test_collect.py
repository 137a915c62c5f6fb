"""Real people's hands, collected from InkML whose traces are grouped by symbol."""

import numpy as np
import pytest

from hmer_tasks.exceptions import CorpusError
from hmer_tasks.handwriting.collect import collect, people
from hmer_tasks.handwriting.forms import forms
from hmer_tasks.handwriting.writing import write as write_label
from hmer_tasks.handwriting.writing import writer


def document(person: str, symbols: list[tuple[str, list[str]]]) -> str:
    traces, groups, number = [], [], 0
    for truth, strokes in symbols:
        views = []
        for stroke in strokes:
            traces.append(f'<trace id="t{number}">{stroke}</trace>')
            views.append(f'<traceView traceDataRef="t{number}"/>')
            number += 1
        groups.append(
            f'<traceGroup><annotation type="truth">{truth}</annotation>{"".join(views)}</traceGroup>'
        )
    body = "".join(traces) + f"<traceGroup>{''.join(groups)}</traceGroup>"
    return f'<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="writer">{person}</annotation>{body}</ink>'


X = ["0 0, 20 40, 40 80", "40 0, 20 40, 0 80"]
ONE = ["500 10, 500 50, 500 90"]


def test_forms_by_symbol_and_person(write):
    root = write({
        "a/one.inkml": document("Ann", [("x", X), ("1", ONE)]),
        "two.inkml": document("Bob", [("x", X), ("\\unheard", ONE)]),
        "bad.inkml": "<ink>",
        "plain.inkml": '<ink xmlns="http://www.w3.org/2003/InkML"><trace>0 0, 1 1</trace></ink>',
    })  # fmt: skip
    found = collect(root)
    assert list(found) == ["1", "x"]
    assert people(found) == ["Ann", "Bob"]
    assert {form.hand for form in found["x"]} == {"Ann", "Bob"}
    form = found["x"][0]
    assert len(form.strokes) == 2
    usual = np.median([each.bottom - each.top for each in forms()["x"]])
    assert form.bottom - form.top == pytest.approx(usual, rel=0.5)
    first, second = form.strokes
    assert first[0, 0] < first[-1, 0]
    assert second[0, 0] > second[-1, 0]
    assert collect(root / "two.inkml").keys() == {"x"}


def test_each_writer_is_one_of_the_people(write):
    root = write({f"{name}.inkml": document(name, [("x", X)]) for name in ("Ann", "Bob")})
    found = collect(root)
    persons = [writer(number, found, people(found)).person for number in range(4)]
    assert persons == ["Ann", "Bob", "Ann", "Bob"]


def test_ink_without_groups_is_an_error_of_one_line(write):
    root = write({"plain.inkml": '<ink xmlns="http://www.w3.org/2003/InkML"><trace>0 0, 1 1</trace></ink>'})
    with pytest.raises(CorpusError, match="no InkML there whose traces are grouped by symbol"):
        collect(root)
    with pytest.raises(CorpusError, match="nothing there"):
        collect(root / "nowhere")


@pytest.mark.corpora
def test_real_hands_write(corpora):
    found = collect(corpora / "crohme" / "test2014_inkml.tar.xz")
    who = people(found)
    assert len(found) > 60
    written = [
        write_label("x ^ { 2 } + 1 = \\sin \\theta", writer(number, found, who)).data for number in range(5)
    ]
    assert len(set(written)) == 5
