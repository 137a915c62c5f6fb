"""Label files: one is refused in a line, or each of its entries is a text with a place, or refused by name."""

import json

from hmer_tasks.corpora.base import Rejected
from hmer_tasks.corpora.label_files import read_labels
from hmer_tasks.exceptions import CorpusError, RejectReason
from hmer_tasks.storage.content import HeldContent
from tests.fuzz.common import check_line

NAMES = ("labels.tsv", "caption.txt", "labels.csv", "labels.jsonl", "a/labels.json")
WORDS = [word.encode() for word in (
    "\t", "\n", "\r\n", "\r", ",", '"', '""', "\ufeff", "id", "image,label", "Label,ImageFile", "[", "]", "{", "}", ": ",
    '{"id": "a.png", "label": "x ^ { 2 }"}', '"\\ud800"', "NaN", "1e999", "[" * 700, '{"a":' * 700, "9" * 60, "null", "\x00",
    "a.png\tx ^ { 2 }", "a.png x", "\u2028", "\x85", "\x1c", '"img": 1', '"gt": []',
)] + [b"\xff", b"\xed\xa0\x80"]  # fmt: skip
REAL = "line"


def run(data: bytes) -> None:
    for name in NAMES:
        try:
            labels = read_labels(name, HeldContent(data), "x/train")
        except CorpusError as error:
            check_line(error)
            continue
        assert len(labels) <= data.count(b"\n") + data.count(b"\r") + data.count(b",") + 1
        assert len(labels.digest()) == 64
        for index in range(len(labels)):
            entry = labels[index]
            if isinstance(entry, Rejected):
                assert isinstance(entry.reason, RejectReason)
            else:
                assert entry.id.strip()
            assert entry.where.startswith(f"{name}:")
            json.dumps([entry.id, entry.label], ensure_ascii=False).encode()
