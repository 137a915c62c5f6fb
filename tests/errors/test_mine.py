"""Mining keeps what can be learnt from, and names the rule by which the rest was left out."""

import json

import pytest

from hmer_tasks.errors.candidates import read_candidates
from hmer_tasks.errors.mine import Caps, mine, mine_files
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import Prediction

LABEL = "a + b = c"


def predicted(*candidates: str, id: str = "1", gt: str = LABEL) -> list[Prediction]:
    return [Prediction("hme100k/train", id, gt, pred, sample=n) for n, pred in enumerate(candidates)]


@pytest.mark.parametrize(
    ("prediction", "rule"),
    [
        (predicted(LABEL), "right"),
        (predicted(r"a \le b", gt=r"a \leq b"), "right"),
        (predicted(""), "empty"),
        (predicted("x " * 20), "one_token_repeated"),
        (predicted("p q r s t"), "too_far"),
        (predicted("a + <deleted> = c"), "reserved_token"),
        (predicted("a + \x08 = c"), "unprintable"),
        (predicted("a + \ufffd = c"), "unprintable"),
        (predicted("a", gt="{"), "label_refused"),
        (predicted(LABEL + " + d" * 5, gt=LABEL + " + d" * 5 + " = e - f + g * h"), "long_edit"),
    ],
)
def test_the_rules(prediction, rule):
    mined = mine(prediction, Caps(longest_edit=7))
    assert mined.left_out == {rule: 1}
    assert not mined.kept


def test_duplicates_and_caps():
    several = predicted("a + b = d", "a + b  =  d", "a - b = c", "a + 6 = c", "a + b = e")
    mined = mine(several, Caps(per_sample=3))
    assert [prediction.pred for prediction in mined.kept] == ["a + b = d", "a - b = c", "a + 6 = c"]
    assert mined.left_out == {"duplicate": 1, "sample_cap": 1}
    alike = [prediction for number in range(5) for prediction in predicted("a - b = c", id=str(number))]
    mined = mine([*alike, *predicted("a + b - c", id="9")], Caps(per_kind=2))
    assert [prediction.id for prediction in mined.kept] == ["0", "1", "9"]
    assert mined.left_out == {"kind_cap": 3}
    assert (mined.predictions, len(mined.samples)) == (6, 3)


def test_what_was_mined_is_read_as_candidates(tmp_path):
    lines = [
        {
            "source": prediction.source,
            "img_id": prediction.id,
            "gt": prediction.gt,
            "pred": prediction.pred,
            "sample": prediction.sample,
        }
        for prediction in predicted("a + b = d", LABEL, "a - b = c")
    ]
    (tmp_path / "read.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    mine_files([tmp_path / "read.jsonl"], tmp_path / "mined.jsonl", Caps())
    candidates = read_candidates(tmp_path / "mined.jsonl")
    assert candidates.all_wrong("hme100k/train", "1", LABEL) == ["a + b = d", "a - b = c"]
    assert candidates.all_wrong("hme100k/train", "2", LABEL) == []
    with pytest.raises(PredictionError, match="of another label"):
        candidates.all_wrong("hme100k/train", "1", "x")


def test_the_owners_label_is_known_whatever_was_normalised_or_repaired(tmp_path):
    written = {"a": r"{ { \left ( F \right ) } ^ { \pi } Y }", "b": "x _ { 1"}
    labels = {"a": r"( F ) ^ { \pi } Y", "b": "x _ { 1 }"}
    lines = [{"img_id": id, "gt": gt, "pred": "z"} for id, gt in written.items()]
    (tmp_path / "read.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    candidates = read_candidates(tmp_path / "read.jsonl")
    for id, label in labels.items():
        assert candidates.all_wrong("s", id, label, written[id]) == ["z"]
    assert candidates.all_wrong("s", "a", labels["a"]) == ["z"]  # on paper it is the same
    with pytest.raises(PredictionError, match="of another label"):
        candidates.all_wrong("s", "b", labels["b"], "y")
