"""What users hand in is read with a bound: a line that never ends, a file that never ends."""

import io
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_tasks import predictions
from hmer_tasks.corpora import label_files as labelfile
from hmer_tasks.corpora.label_files import Entry, read_labels
from hmer_tasks.errors.noise.noise_file import read_noise
from hmer_tasks.exceptions import CorpusError, NoiseError, PredictionError, PromptError, RejectReason
from hmer_tasks.predictions import read_predictions
from hmer_tasks.storage.content import HeldContent
from hmer_tasks.tasks.prompts import prompt_set
from hmer_tasks.utils import bounded_reading as reading
from hmer_tasks.utils.bounded_reading import LONGEST_LINE, lines

ENDLESS = Path("/dev/zero")
LITTLE = 3 << 30  # bytes of address space: pandas and pyarrow take most of it


def one_line_of(*words: str, stdin: bytes | None = None) -> str:
    """What the command says where an endless file is handed to it, with little memory to fill."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (LITTLE, LITTLE))

    with ENDLESS.open("rb") as zeros:
        given_in = {"stdin": zeros} if stdin is None else {"input": stdin}
        done = subprocess.run(
            [sys.executable, "-m", "hmer_tasks", *words],
            capture_output=True, check=False, timeout=120, preexec_fn=limit, **given_in,
        )  # fmt: skip
    assert done.returncode in (1, 2)
    said = done.stderr.decode().removesuffix("\n")
    assert said.startswith("hmer-tasks: ")
    assert "\n" not in said
    return said


@given(
    st.lists(st.binary(max_size=12).map(lambda piece: piece.replace(b"\n", b"")), max_size=8), st.booleans()
)
def test_lines_are_those_of_the_file_and_none_for_a_long_one(texts, ended):
    data = b"\n".join(texts) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "LONGEST_LINE", 6)
        entries = list(lines(io.BytesIO(data), "x"))
    assert entries == [None if len(line) > 6 else line for line in io.BytesIO(data)]


def test_a_line_that_does_not_end_is_told_and_does_not_fill_the_memory(tmp_path):
    assert "standard input: line 1 does not end" in one_line_of("normalize")
    assert "line 1" in one_line_of("errors", "mine", str(ENDLESS), "-o", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def test_a_long_line_among_good_ones(tmp_path):
    said = one_line_of("normalize", stdin=b"$x$\n" + b"a" * (2 * LONGEST_LINE) + b"\n$y$\n")
    assert said == "hmer-tasks: line 2: malformed_line at token 0: over 1 MB"


def test_toml_that_never_ends():
    with pytest.raises(NoiseError, match="over 16 MB"):
        read_noise(ENDLESS)
    with pytest.raises(PromptError, match="over 16 MB"):
        prompt_set(str(ENDLESS))


def test_a_long_line_of_predictions_and_a_large_array(tmp_path, monkeypatch):
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"img_id": "a", "gt": "x", "pred": "y"}\n' + b"z" * (LONGEST_LINE + 1) + b"\n")
    with pytest.raises(PredictionError, match=r"p\.jsonl:2: the line is over 1 MB"):
        list(read_predictions(path))
    record = {"img_id": "a", "gt": "x", "pred": "y" * 1000}
    path.write_text(json.dumps([record] * 3000))  # longer than a line may be: an array is one line
    assert len(list(read_predictions(path))) == 3000
    monkeypatch.setattr(predictions, "MAX_ARRAY", 1 << 20)
    with pytest.raises(PredictionError, match="a JSON array over 1 MB; write it as JSON lines"):
        list(read_predictions(path))


@pytest.mark.parametrize("name", ("x.tsv", "caption.txt", "x.jsonl", "x.csv", "x.json"))
def test_a_long_label_is_refused_and_its_neighbours_are_not(name):
    label = "x " * LONGEST_LINE
    text = {
        "x.tsv": f"a\tx\nb\t{label}\nc\ty\n",
        "caption.txt": f"a x\nb {label}\nc y\n",
        "x.csv": f"id,label\na,x\nb,{label}\nc,y\n",
        "x.jsonl": "\n".join(json.dumps({"id": id, "label": label_text}) for id, label_text in zip("abc", ("x", label, "y"), strict=True)),
        "x.json": json.dumps([{"id": id, "label": label_text} for id, label_text in zip("abc", ("x", label, "y"), strict=True)]),
    }[name]  # fmt: skip
    labels = read_labels(name, HeldContent(text.encode()), "x")
    entries = [labels[index] for index in range(len(labels))]
    assert [entry.id for entry in entries if isinstance(entry, Entry)] == ["a", "c"]
    (refused,) = (entry for entry in entries if not isinstance(entry, Entry))
    assert refused.reason is RejectReason.MALFORMED_LINE
    assert len(refused.label) <= 1000


@pytest.mark.parametrize(("name", "record"), (("x.csv", "a,x\n"), ("x.json", '{"id": "a", "label": "x"}')))
def test_what_is_read_whole_is_bounded(name, record, monkeypatch):
    text = "id,label\n" + record * 100 if name == "x.csv" else f"[{', '.join([record] * 100)}]"
    assert len(read_labels(name, HeldContent(text.encode()), "x")) == 100
    for bound, value, what in (("MAX_ENTRIES", 99, "over 99 entries"), ("MAX_WHOLE", 100, "over 0 MB")):
        with monkeypatch.context() as patch, pytest.raises(CorpusError, match=what):
            patch.setattr(labelfile, bound, value)
            read_labels(name, HeldContent(text.encode()), "x")
