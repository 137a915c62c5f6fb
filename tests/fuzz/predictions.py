"""Prediction files: one is refused in a line, or it can be scored, mined and written again."""

from hmer_tasks.errors.candidates import read_candidates
from hmer_tasks.errors.mine import Caps, mine_files
from hmer_tasks.exceptions import PredictionError
from hmer_tasks.predictions import read_predictions
from tests.fuzz.common import check_line, scratch, words, written

WORDS = words("\t", "\n", "\r\n", "\r", "[", "]", "{", "}", ", ", '"', "\ufeff", '"img_id": "a"', '"gt": "x"', '"pred": "y"', '"sample": 1',
              '"sample": true', '"source": "x/train"', '"raw": null', '{"img_id": "a", "gt": "x", "pred": "y"}', "a\tx ^ { 2 }\ty",
              '"\\ud800"', "NaN", "[" * 700, '{"a":' * 700, "9" * 400, "1e999", "-1", "\u2028", "\x85", "\x00")  # fmt: skip
REAL = "line"


def run(data: bytes) -> None:
    path = written(data, "predictions.jsonl")
    try:
        read = list(read_predictions(path))
        candidates = read_candidates(path)
    except PredictionError as error:
        check_line(error)
        return
    for source, id, gt in {(prediction.source, prediction.id, prediction.gt) for prediction in read[:20]}:
        try:
            candidates.all_wrong(source, id, gt)
        except PredictionError as error:
            check_line(error)
    kept = mine_files([path], scratch() / "mined.jsonl", Caps()).kept
    again = list(read_predictions(scratch() / "mined.jsonl"))
    assert [(prediction.source, prediction.id, prediction.gt, prediction.pred) for prediction in again] == [
        (prediction.source, prediction.id, prediction.gt, prediction.pred) for prediction in kept
    ]
