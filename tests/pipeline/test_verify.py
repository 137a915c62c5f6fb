"""`verify` names every kind of damage, and reads on after the first."""

import hashlib
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmer_tasks.exceptions import BuildError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.verifier import verify
from tests.pipeline.conftest import files_of, noise, one_line, run_command, summary_of

SHARD = "data/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def pristine(small, tmp_path_factory):
    out = tmp_path_factory.mktemp("pristine") / "out"
    build(BuildOptions("hme100k", root=small, out=out, workers=1, valid_share=0.2))
    return files_of(out)


@pytest.fixture
def out(pristine, tmp_path):
    for name, data in pristine.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "out"


def faults_of(out):
    report = verify(out, 1)
    assert all("\n" not in fault for fault in report.faults)
    return report.faults


def change(out, edit, *, forge=False, schema=None):
    """Rewrite the train shard's rows; `forge` makes build.json agree with the new bytes."""
    table = pq.read_table(out / SHARD)
    rows = table.to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema or table.schema), out / SHARD)
    if forge:
        summary = summary_of(out)
        summary["shards"][SHARD] |= {
            "sha256": hashlib.sha256((out / SHARD).read_bytes()).hexdigest(),
            "rows": len(rows),
        }
        (out / "build.json").write_text(json.dumps(summary))


def test_a_sound_build(out):
    report = verify(out, 2)
    assert (report.faults, report.rows, report.pictures, report.samples) == ([], 300, 60, 60)
    done = run_command("verify", out)
    assert done.returncode == 0
    assert done.stdout.endswith("every row is proven\n")


def test_on_the_command_line(out):
    (out / SHARD).unlink()
    (out / "data/extra.parquet").write_bytes(b"x")
    done = run_command("verify", out)
    assert done.returncode == 1
    assert done.stderr == (
        f"hmer-tasks: data/extra.parquet: not a shard of this build\nhmer-tasks: {SHARD}: missing\n"
    )
    assert "proven" not in done.stdout


def test_flipped_bytes(out, pristine):
    """Wherever it is: found, in words, and nothing crashes."""
    chance = random.Random(1)
    data = pristine[SHARD]
    places = [0, 5, len(data) - 1, len(data) - 6, *(chance.randrange(len(data)) for _ in range(30))]
    places += [len(data) - chance.randrange(4000) for _ in range(30)]  # the schema and the indices
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << chance.randrange(8)
        (out / SHARD).write_bytes(flipped)
        assert any("SHA-256 differs" in fault for fault in faults_of(out)), place


def test_a_truncated_shard(out, pristine):
    (out / SHARD).write_bytes(pristine[SHARD][:5000])
    assert "not readable" in faults_of(out)[1]
    (out / SHARD).write_bytes(b"")
    assert "not readable" in faults_of(out)[1]


@pytest.mark.parametrize("forge", (False, True))
@pytest.mark.parametrize(
    ("column", "value", "what"),
    (
        ("label", "z", "recognition"),
        ("completion", [{"role": "assistant", "content": "z"}], "recognition"),
        ("completion", [{"role": "user", "content": "z"}], "completion"),
        ("completion", [], "completion"),
        ("completion", [None], "completion"),
        ("images", [{"bytes": b"no picture", "path": "x"}], "image_unreadable"),
        ("images", [{"bytes": None, "path": "x"}], "picture"),
        ("images", [], "picture"),
        ("images", [None], "picture"),
        ("task", "dictation", "no such task"),
    ),
)
def test_a_changed_row(out, column, value, what, forge):
    def edit(rows):
        assert rows[0]["task"] == "recognition"
        rows[0][column] = value

    change(out, edit, forge=forge)
    faults = faults_of(out)
    assert ("SHA-256" in faults[0]) != forge
    named = [fault for fault in faults if "row 0 (" in fault]
    assert named
    assert what in named[0]


@pytest.mark.parametrize("task", range(5))
def test_a_changed_answer(out, task):
    def edit(rows):
        rows[5 + task]["completion"][0]["content"] += " z"

    change(out, edit, forge=True)
    assert f"row {5 + task} (" in faults_of(out)[0]


def test_a_changed_candidate_and_mark(out):
    def edit(rows):
        rows[3]["candidate"] += " z"
        rows[4]["marked"] += " z"

    change(out, edit, forge=True)
    assert ["row 3 (" in faults_of(out)[0], "row 4 (" in faults_of(out)[1]] == [True, True]


def test_another_picture_that_can_be_read(out):
    """One row shows another picture than its neighbours; then all five do."""

    def edit(rows):
        rows[2]["images"][0]["bytes"] = noise(999)

    change(out, edit, forge=True)
    assert "another picture" in faults_of(out)[0]

    def edit_all(rows):
        for row in rows[:5]:
            row["images"][0]["bytes"] = noise(999)

    change(out, edit_all, forge=True)
    assert faults_of(out) == ["train: the pictures are not those that were read (SHA-256 differs)"]


def test_rows_taken_away(out):
    change(out, lambda rows: rows.pop(7), forge=True)
    faults = faults_of(out)
    assert any("train: rows and samples" in fault for fault in faults)
    assert any("train: tasks" in fault for fault in faults)


@pytest.mark.parametrize("key", ("samples", "rejected", "rows", "tasks", "pictures_sha256"))
def test_wrong_counts(out, key):
    summary = summary_of(out)
    value = summary["splits"]["train"][key]
    wrong = {**value, "counting": 1} if key == "tasks" else "0" if key == "pictures_sha256" else value + 1
    summary["splits"]["train"][key] = wrong
    (out / "build.json").write_text(json.dumps(summary))
    assert len(faults_of(out)) == 1


def test_refusals_that_do_not_agree(out):
    (out / "rejects.jsonl").write_text('{"reason": "double_script"}\n')
    assert "double_script" in faults_of(out)[0]
    (out / "rejects.jsonl").unlink()
    assert "rejects.jsonl" in faults_of(out)[0]


def test_another_schema(out):
    schema = pq.read_schema(out / SHARD)
    change(out, lambda rows: None, forge=True, schema=schema.remove_metadata())
    assert faults_of(out) == [f"{SHARD}: another schema"]


def test_many_faults_are_counted(out):
    def edit(rows):
        for row in rows:
            row["label"] += " z"

    change(out, edit, forge=True)
    done = run_command("verify", out)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 21
    assert "more faults" in done.stderr


@pytest.mark.parametrize(
    "text", ("", "{", "[]", "{}", '{"made_by": {"arguments": {}}, "splits": {}, "shards": {}}')
)
def test_a_damaged_build_json(out, text):
    (out / "build.json").write_text(text)
    with pytest.raises(BuildError, match="is damaged"):
        verify(out)
    one_line(run_command("show", out))


def test_no_build(tmp_path):
    assert "no build.json" in one_line(run_command("verify", tmp_path))
    assert "no build.json" in one_line(run_command("verify", tmp_path / "gone"))
    (tmp_path / ".build").mkdir()
    assert "not finished" in one_line(run_command("verify", tmp_path))


PROMPTS = {
    "recognition": "Read {this}.",
    "tree_cot": "Tree.",
    "counting": "Count.",
    "error_detection": "Find: {candidate} {candidate}",
    "error_correction": "{marked}: correct it.",
}


@pytest.fixture(scope="module")
def own_prompts(small, tmp_path_factory):
    """A build with prompts of a file, of two tasks: the other templates stand in no row."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.toml").write_text(
        "".join(f"{name} = {json.dumps(text)}\n" for name, text in PROMPTS.items())
    )
    options = BuildOptions(
        "hme100k",
        root=small,
        out=folder / "out",
        workers=1,
        tasks=("recognition", "error_detection"),
        prompts=str(folder / "own.toml"),
    )
    return files_of(build(options).out)


@pytest.mark.parametrize("task", range(5))
def test_a_changed_prompt(out, task):
    """Also where the checksum was computed again."""

    def edit(rows):
        rows[5 + task]["prompt"][0]["content"] = rows[5 + task]["prompt"][0]["content"].replace(
            "image", "picture"
        )

    change(out, edit, forge=True)
    [fault] = faults_of(out)
    assert f"row {5 + task} (" in fault
    assert "the prompt is not that of the set" in fault


def lay(files, folder):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_prompts_of_a_file(own_prompts, pristine, tmp_path):
    out = lay(own_prompts, tmp_path / "out")
    assert summary_of(out)["prompts"] == PROMPTS
    assert "prompts" not in json.loads(
        pristine["build.json"]
    )  # a shipped set is named by its fingerprint alone
    assert faults_of(out) == []

    def edit(rows):
        rows[1]["prompt"][0]["content"] += "!"

    change(out, edit, forge=True)
    assert "the prompt is not that of the set" in faults_of(out)[0]


def test_prompts_that_build_json_does_not_name(own_prompts, tmp_path):
    out = lay(own_prompts, tmp_path / "out")
    summary = summary_of(out)
    summary["prompts"]["counting"] = "Count!"  # of which there is no row
    (out / "build.json").write_text(json.dumps(summary))
    [fault] = faults_of(out)
    assert fault.startswith("build.json: its prompts are not those")
    del summary["prompts"]
    (out / "build.json").write_text(json.dumps(summary))  # as version 0.1.0 wrote it
    done = run_command("verify", out)
    assert done.returncode == 0
    assert done.stdout.endswith("every row is proven, but for its prompt\n")
    for damaged in ({}, [], "x"):
        (out / "build.json").write_text(json.dumps({**summary, "prompts": damaged}))
        with pytest.raises(BuildError, match="is damaged"):
            verify(out)


def test_the_split_of_a_shard_is_named(out):
    summary = summary_of(out)
    assert [(name, shard["split"]) for name, shard in summary["shards"].items()] == [
        (SHARD, "train"),
        ("data/valid-00000-of-00001.parquet", "valid"),
    ]
    for shard in summary["shards"].values():
        del shard["split"]  # as version 0.1.0 wrote it
    (out / "build.json").write_text(json.dumps(summary))
    assert faults_of(out) == []
