"""`build --repair` and `check --repair`: what is mended is counted, kept and verified; nothing else changes."""

import json

import pytest
from typer.testing import CliRunner, Result

from hmer_tasks.cli.app import app
from hmer_tasks.cli.check_labels import check_file
from hmer_tasks.exceptions import BuildError, UsageError
from hmer_tasks.latex.repair import rules_of
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify
from tests.pipeline.conftest import files_of, noise, rejects_of, rows_of, summary_of

LABELS = {
    "a": "（ a + 1 ）",
    "b": "x + 1",
    "c": "（ a ） ， √ 3 = 1",
    "d": "\\sqrt [ [object Object] ] { x }",
    "e": "{ x",
    "f": "（ z ）",  # its picture is missing
    "g": "x ^ { 2 = y ^ { 3 }",  # CROHME 2023 loses braces like that, and a folder is none
}


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for number, id in enumerate(LABELS):
        if id != "f":
            (root / f"{id}.jpg").write_bytes(noise(number))
    (root / "labels.tsv").write_text("".join(f"{id}\t{label}\n" for id, label in LABELS.items()))
    return root


def run(corpus, out, **options) -> None:
    build(BuildOptions("folder", root=corpus, out=out, workers=1, **options))


def repairs_of(out) -> list[dict]:
    return [json.loads(line) for line in (out / "repairs.jsonl").read_text(encoding="utf-8").splitlines()]


def test_mended_labels_are_built_counted_and_kept(corpus, tmp_path):
    out = tmp_path / "out"
    run(corpus, out, repair=True)
    assert summary_of(out)["repaired"] == {"full_width": 2, "root_sign": 1}
    assert repairs_of(out) == [
        {"id": id, "source": "folder/train", "kinds": kinds, "original": LABELS[id], "mended": mended}
        for id, kinds, mended in (
            ("a", ["full_width"], "( a + 1 )"),
            ("c", ["full_width", "root_sign"], "( a ) , \\sqrt { 3 } = 1"),
        )
    ]
    assert {row["id"]: (row["gt"], row["label"]) for row in rows_of(out)} == {
        "a": (LABELS["a"], "( a + 1 )"),
        "b": ("x + 1", "x + 1"),
        "c": (LABELS["c"], "( a ) , \\sqrt { 3 } = 1"),
    }
    assert {reject["id"]: (reject["reason"], reject["label"]) for reject in rejects_of(out)} == {
        "d": ("lost_text", LABELS["d"]),
        "e": ("unbalanced_brace", LABELS["e"]),
        "f": ("image_missing", LABELS["f"]),
        "g": ("unbalanced_brace", LABELS["g"]),
    }
    report = verify(out, 1)
    assert not report.faults


def test_without_the_option_there_is_no_trace_of_it(corpus, tmp_path):
    plain, again = tmp_path / "plain", tmp_path / "again"
    run(corpus, plain)
    assert "repairs.jsonl" not in files_of(plain)
    assert b"repair" not in files_of(plain)["build.json"]
    assert {row["id"] for row in rows_of(plain)} == {"a", "b", "c", "d"}
    run(corpus, again, repair=True)
    with pytest.raises(BuildError, match=r"--repair: True there, None asked for"):
        run(corpus, again)
    run(corpus, again, overwrite=True)
    assert files_of(again) == files_of(plain)


def test_with_the_option_the_same_bytes_again(corpus, tmp_path):
    for name, options in (("one", {"workers": 1}), ("two", {"workers": 2})):
        build(
            BuildOptions("folder", root=corpus, out=tmp_path / name, repair=True, valid_share=0.5, **options)
        )
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert len(repairs_of(tmp_path / "one")) == 2  # once, on whatever side the label fell
    assert not verify(tmp_path / "one", 1).faults


@pytest.mark.parametrize(
    ("change", "message"),
    (
        (lambda text: text.replace("full_width", "root_sign", 1), "repairs, repairs.jsonl holds"),
        (lambda text: text.replace("（ a + 1", "（ a + 2", 1), "the gt of a is not the original"),
        (lambda text: text.replace('"id": "c"', '"id": "h"'), "no shard holds h"),
        (lambda text: text[:-20], "repairs.jsonl: not readable"),
        (lambda text: "", "repairs, repairs.jsonl holds"),
    ),
)
def test_verify_reads_repairs(corpus, tmp_path, change, message):
    out = tmp_path / "out"
    run(corpus, out, repair=True)
    path = out / "repairs.jsonl"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert any(message in fault for fault in verify(out, 1).faults)


def test_check(corpus):
    plain, mended = check_file(corpus / "labels.tsv"), check_file(corpus / "labels.tsv", repair=True)
    assert plain.as_json().keys() == {"name", "labels", "accepted", "explicit", "refused", "unknown_commands"}
    assert plain.accepted == 5  # a stray object's words are tokens too
    assert mended.accepted == 4
    assert mended.as_json()["mended"] == {"full_width": 3, "root_sign": 1}
    assert mended.as_json()["repairs"] == {"corpus": None, "kinds": list(rules_of(""))}
    assert mended.refused == {"lost_text": 1, "unbalanced_brace": 2}


def test_check_by_the_rules_of_a_corpus(corpus, tmp_path):
    mended = check_file(corpus / "labels.tsv", repair=True, repair_as="crohme2023")
    assert mended.accepted == 5
    assert mended.as_json()["mended"] == {"full_width": 3, "root_sign": 1, "script_closed": 1}
    assert mended.as_json()["repairs"] == {"corpus": "crohme2023", "kinds": list(rules_of("crohme2023"))}
    # A file's name is no corpus's, whatever it is called.
    (tmp_path / "crohme2023").write_bytes((corpus / "labels.tsv").read_bytes())
    assert check_file(tmp_path / "crohme2023", repair=True).accepted == 4


def invoke(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)])


def test_the_commands(corpus, tmp_path):
    done = invoke(
        "build", "--dataset", "folder", "--root", corpus, "--out", tmp_path / "o", "--workers", 1, "--repair"
    )
    assert done.exit_code == 0
    assert "repaired: 2 full_width" in done.stdout
    file = corpus / "labels.tsv"
    done = invoke("check", file, "--repair")
    assert "repaired: 3 full_width, 1 root_sign" in done.stdout
    assert "repairs made: those of any label (full_width, " in done.stdout
    done = invoke("check", file, "--repair", "--dataset", "crohme2023")
    assert "repaired: 3 full_width, 1 root_sign, 1 script_closed" in done.stdout
    assert "repairs made: those of crohme2023 (script_closed, closers_at_end) and those of any" in done.stdout
    for words in (
        (file, "--repair", "--dataset", "crohme2032"),
        (file, "--dataset", "crohme2023"),
        (file, "--repair", "--dataset", "folder", "--root", corpus),
        (),
    ):
        assert isinstance(invoke("check", *words).exception, UsageError)
