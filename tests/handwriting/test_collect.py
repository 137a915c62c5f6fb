"""Real people's hands, collected from InkML whose traces are grouped by symbol."""

import numpy as np
import pytest

from hmer_tasks.exceptions import CorpusError
from hmer_tasks.handwriting.collect import FEWEST, collect
from hmer_tasks.handwriting.forms import forms
from hmer_tasks.handwriting.writing import write as write_label


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
    collected = collect(root)
    assert collected.people == ("Ann",)  # nobody wrote FEWEST symbols: the one with the most writes alone
    assert list(collected.by_person["Ann"]) == ["1", "x"]
    form = collected.by_person["Ann"]["x"][0]
    assert form.hand == "Ann"
    assert len(form.strokes) == 2
    usual = np.median([drawn_form.bottom - drawn_form.top for drawn_form in forms()["x"]])
    assert form.bottom - form.top == pytest.approx(usual, rel=0.5)
    first, second = form.strokes
    assert first[0, 0] < first[-1, 0]
    assert second[0, 0] > second[-1, 0]
    assert collect(root / "two.inkml").by_person.keys() == {"Bob"}


LETTERS = "abcdeghknopqrsuvxyz"  # of the proportions of the strokes below
BOX = ["0 0, 0 60, 50 60, 50 0, 2 0"]
SLOPE = ["0 80, 30 40, 60 0"]


def test_each_writer_is_one_of_the_people_and_lacks_nothing_that_others_wrote(write):
    both = LETTERS[:FEWEST]
    root = write({
        "Ann.inkml": document("Ann", [(letter, X) for letter in both]),
        "Bob.inkml": document("Bob", [(letter, X if letter != "a" else SLOPE) for letter in [*both, "9"]]),
        "Eve.inkml": document("Eve", [(letter, BOX) for letter in [*both, "8"]]),
    })  # fmt: skip
    collected = collect(root)
    assert set(collected.people) == {"Ann", "Bob", "Eve"}
    assert collected.similar["Ann"][0] == "Bob"
    persons = [collected.writer(number) for number in range(6)]
    assert [drawn_form.person for drawn_form in persons] == [*collected.people, *collected.people]
    ann = next(drawn_form for drawn_form in persons if drawn_form.person == "Ann")
    assert {form.hand for form in ann.hands["a"]} == {"Ann"}
    assert {form.hand for form in ann.hands["9"]} == {"Bob"}
    assert {form.hand for form in ann.hands["8"]} == {"Eve"}


def test_small_writers_join_the_most_similar_or_are_left_out(write):
    both = [(letter, X) for letter in LETTERS[:FEWEST]]
    root = write({
        "Ann.inkml": document("Ann", both),
        "Bob.inkml": document("Bob", [*both[:-1], (both[-1][0], SLOPE)]),
        "near.inkml": document("near", [*both[:5], ("7", X)]),
        "far.inkml": document("far", [*((letter, BOX) for letter, _ in both[:5]), ("6", BOX)]),
        "few.inkml": document("few", [("a", X)]),
    })  # fmt: skip
    collected = collect(root)
    assert set(collected.people) == {"Ann", "Bob"}
    assert sum("7" in hands for hands in collected.by_person.values()) == 1
    assert not any("6" in hands for hands in collected.by_person.values())
    assert "2 writers" in collected.summary
    assert "of 3 people with under" in collected.summary
    assert "1 joined a similar writer and 2 are left out" in collected.summary


def test_ink_without_groups_is_an_error_of_one_line(write):
    root = write({"plain.inkml": '<ink xmlns="http://www.w3.org/2003/InkML"><trace>0 0, 1 1</trace></ink>'})
    with pytest.raises(CorpusError, match="no InkML whose traces are grouped by symbol"):
        collect(root)
    with pytest.raises(CorpusError, match="nothing there"):
        collect(root / "nowhere")


@pytest.mark.corpora
def test_real_hands_write(corpora):
    collected = collect(corpora / "crohme" / "test2014_inkml.tar.xz")
    assert len(collected.people) > 30
    assert min(len(hands) for hands in collected.by_person.values()) >= FEWEST
    written = [
        write_label("x ^ { 2 } + 1 = \\sin \\theta", collected.writer(number)).data for number in range(5)
    ]
    assert len(set(written)) == 5
