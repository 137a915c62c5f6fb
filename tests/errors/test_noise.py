"""A noise model fitted on predictions gives back their mistakes; its file is read or refused in one line."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from hmer_tasks.errors.noise.calibrate import fit_noise
from hmer_tasks.errors.noise.context import around, neighbours
from hmer_tasks.errors.noise.fit import Measured, add
from hmer_tasks.errors.noise.model import model_of, read_model, shipped_model
from hmer_tasks.errors.noise.noise_file import Misread, noise_text, read_noise
from hmer_tasks.errors.noise.patterns import mistakes, written
from hmer_tasks.errors.noise.show import confusions, heat_map
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.errors.rejection_rules import rejection_rule
from hmer_tasks.errors.token_classes import START
from hmer_tasks.exceptions import NoiseError, PredictionError
from hmer_tasks.utils.grammar_files import grammar_path
from hmer_tasks.utils.keyed_random import keyed_random

LETTERS = "a b c d e f g h".split()


def recogniser(random: Random) -> tuple[str, str]:
    """Reads 7 for 1, but only after an equals sign; loses a subscript's braces; else is right."""
    label = [random.choice(LETTERS), "_", "{", "1", "}", "+", "1", "=", random.choice("123"), "x"]
    read = list(label)
    if label[8] == "1" and random.random() < 0.8:
        read[8] = "7"
    elif random.random() < 0.2:
        read[1:5] = ["1"]
    return " ".join(label), " ".join(read)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    random = Random(0)
    lines = [f"{number}\t{label}\t{read}\n" for number in range(900) for label, read in [recogniser(random)]]
    (folder / "read.tsv").write_text("".join(lines))
    (folder / "noise.toml").write_text(fit_noise([folder / "read.tsv"]))
    return folder / "noise.toml"


def test_synthetic_mistakes_are_those_of_the_recogniser(fitted):
    model, random = read_model(fitted), Random(1)
    drawn: Counter[tuple[str, str, int]] = Counter()
    read: Counter[tuple[str, str, int]] = Counter()
    for number in range(1200):
        label, prediction = recogniser(random)
        if label == prediction:
            continue
        candidate = synthesize(label, keyed_random(0, str(number)), model)
        for counts, wrong in ((drawn, candidate), (read, prediction)):
            for one_mistake in mistakes(label.split(), wrong.split()):
                counts[
                    written(one_mistake.pattern.old), written(one_mistake.pattern.new), one_mistake.place
                ] += 1
    assert set(read) == {("1", "7", 9), ("_ { … }", "…", 2)}
    for mistake, count in read.items():  # which symbol for which, and in which neighbourhood
        assert abs(drawn[mistake] / drawn.total() - count / read.total()) < 0.2
    assert sum(drawn[mistake] for mistake in read) > 0.9 * drawn.total()


def test_the_same_predictions_make_the_same_file(fitted):
    text = fitted.read_text()
    assert fit_noise([fitted.parent / "read.tsv"]) == text
    assert "read.tsv sha256:" in text
    assert "expressions = 900" in text


def test_a_noise_file_is_written_as_it_is_read(fitted):
    noise = read_noise(fitted)
    again = fitted.parent / "again.toml"
    again.write_text(noise_text(noise, {}))
    assert read_noise(again) == noise


def test_tokens_that_are_hard_to_quote_come_back(tmp_path):
    (tmp_path / "odd.tsv").write_text("".join(f"{i}\tf ' \\\" = 1\tf ' ' = 1\n" for i in range(30)))
    (tmp_path / "noise.toml").write_text(fit_noise([tmp_path / "odd.tsv"]))
    assert read_noise(tmp_path / "noise.toml").patterns['\\"'].read_as == {"'": 30}


def test_the_shipped_file():
    path = grammar_path("confusables.toml")
    noise = read_noise(path)
    assert path.stat().st_size < 100_000
    assert "sha256:" in path.read_text(encoding="utf-8")
    for old, new in [("2", "z"), ("x", r"\times"), ("_ { … }", "…"), ("P", "p"), (r"\cdot", "")]:
        assert noise.patterns[old].read_as[new] > 1
    assert shipped_model().number.items[0] == 1


def test_neighbours_are_named_as_mistakes_name_them():
    for label in (r"\frac { a } { b _ { 1 } }", "{ { } }", "x", "x ^ { 2 }"):
        tokens = [START, *label.split()]
        lefts, rights = neighbours(tokens)
        for place in range(len(tokens)):
            assert (lefts[place], tokens[place], rights[place]) == around(tokens, place, place + 1)


def test_an_argument_never_loses_its_braces_alone(fitted):
    noise = read_noise(fitted)
    lost = {**noise.patterns, "{ … }": Misread(5.0, {"…": 3, "… 7": 2}), "{ 9 }": Misread(5.0, {"9": 3})}
    model = model_of(replace(noise, patterns=lost))
    tokens = [START, *r"\frac { 9 } { b } x _ { 9 } + { 9 }".split()]
    cumulative = [0.0, *model.places(tokens).cumulative]
    weights = [after - before for before, after in pairwise(cumulative)]
    opening = [weights[place] for place, token in enumerate(tokens) if token == "{"]
    assert opening[:3] == [0.0, 0.0, 0.0] and opening[3] > 1


def test_how_many_mistakes_are_drawn_is_weighed_anew():
    noise = read_noise(grammar_path("confusables.toml"))
    assert len(noise.drawn) == len(noise.number) and noise.drawn != noise.number
    assert model_of(noise).number.total == pytest.approx(sum(noise.drawn))
    assert model_of(replace(noise, drawn=[])).number.total == sum(noise.number)


def test_groups_and_matrices_that_only_are_spelled_otherwise_are_no_mistakes():
    measured = Measured()
    label = r"\bar { { x } } = [ \begin {matrix} { 1 } & { 2 } \\ \end {matrix} ]"
    add(measured, label, r"\bar { x } = \begin {bmatrix} 1 & 2 \end {bmatrix}")
    add(measured, label, r"\bar { x } = \begin {bmatrix} 1 & 7 \end {bmatrix}")
    assert (measured.same, measured.misread) == (1, 1)
    assert {old: dict(new) for old, new in measured.patterns.items()} == {"2": {"7": 1}}


def test_the_heat_map(fitted):
    noise = read_noise(fitted)
    assert confusions(noise)["1", "7"] == max(confusions(noise).values())
    assert heat_map(noise).startswith(b"\x89PNG")
    assert heat_map(noise) == heat_map(noise)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("= 1", "not TOML"),
        ("[patterns]", "no noise file"),
        ("[number]\ncounts = 3", "no noise file"),
        ("{good}[patterns]\n", "holds no mistake"),
        ("{good}[patterns]\n'1' = {{ rate = 'x', as = {{}} }}", "must be a number"),
        ("{good}[patterns]\n'1' = {{ rate = 1, as = {{ '7' = -1 }} }}", "must be a count"),
        (
            "[number]\ndrawn = [1, 2]\n{rest}[patterns]\n'1' = {{ rate = 1, as = {{ '7' = 1 }} }}",
            "weigh each",
        ),
    ],
)
def test_a_broken_noise_file_is_refused_in_one_line(tmp_path, text, says):
    rest = "counts = [1]\n[shape]\nbroken = 0\nrepeated = 0\ngaps = []\nrun_share = 0\nruns = []\n"
    rest += "[sorts]\n[context]\n"
    good = f"[number]\n{rest}"
    path = tmp_path / "noise.toml"
    path.write_text(text.format(good=good, rest=rest) if "{" in text else text)
    with pytest.raises(NoiseError, match=says) as caught:
        read_model(path)
    assert "\n" not in str(caught.value)


def test_predictions_without_a_mistake_fit_nothing(tmp_path):
    (tmp_path / "right.tsv").write_text("1\ta b\ta b\n")
    with pytest.raises(NoiseError, match="no mistake"):
        fit_noise([tmp_path / "right.tsv"])
    with pytest.raises(PredictionError, match="cannot read"):
        fit_noise([tmp_path / "gone.tsv"])


def test_mistakes_of_which_none_is_of_one_symbol_fit_nothing(tmp_path):
    (tmp_path / "start.tsv").write_text("1\ta b c d\tx c d\n2\ta b c d\ty c d\n")
    with pytest.raises(NoiseError, match="no mistake that begins with one symbol"):
        fit_noise([tmp_path / "start.tsv"])


def test_a_file_of_additions_alone_has_no_heat_map(tmp_path):
    (tmp_path / "more.tsv").write_text("1\ta + b\ta + b c\n")
    (tmp_path / "noise.toml").write_text(fit_noise([tmp_path / "more.tsv"]), encoding="utf-8")
    with pytest.raises(NoiseError, match="nothing to draw"):
        heat_map(read_noise(tmp_path / "noise.toml"))


def test_marks_and_signs_of_the_file_itself_do_no_harm(tmp_path):
    wrong = ["a + <deleted> = c", "a + \x08 = c", "a + … = c", "a + d = c"]
    (tmp_path / "odd.tsv").write_text("".join(f"{i}\ta + b = c\t{wrong[i % 4]}\n" for i in range(40)))
    (tmp_path / "noise.toml").write_text(fit_noise([tmp_path / "odd.tsv"]))
    noise = read_noise(tmp_path / "noise.toml")
    assert noise.patterns["b"].read_as == {"d": 10}
    assert noise.runs == [(1, 1, 10)]


@pytest.mark.parametrize(
    ("candidate", "label", "why"),
    [
        ("", "a b", "empty"),
        ("1 " * 30, "1 + 1 = 2", "one_token_repeated"),
        ("1 " * 9, "1 " * 10, None),  # the label itself repeats
        ("p q r s", "a b c d", "too_far"),
        ("p q c d", "a b c d", None),
        ("7", "1", None),  # a short label must be able to suffer a mistake
    ],
)
def test_hopeless_candidates(candidate, label, why):
    assert rejection_rule(candidate.split(), label.split()) == why
