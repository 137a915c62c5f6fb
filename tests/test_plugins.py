"""A sixth task goes the whole way, from a script and from a package, with no change in the package."""

import json
import os
import re
import runpy
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from hmer_tasks.exceptions import ProofError
from hmer_tasks.tasks.base import PictureTask, PluginTask, Row, ScoredTask
from tests.conftest import REPOSITORY
from tests.pipeline.conftest import make_hme100k, one_line, rows_of, run_command

SCRIPT = REPOSITORY / "examples/bounding_boxes_task.py"
PLUGIN = ("--plugin", SCRIPT)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A build of two tasks, one of them the plug-in's."""
    out = tmp_path_factory.mktemp("plugin") / "out"
    words = ("--dataset", "synthetic", "--count", 12, "--tasks", "recognition,bounding_boxes", "--workers", 1)
    done = run_command("build", *PLUGIN, *words, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"bounding_boxes +│ +12 │", done.stdout)
    assert f"hmer-tasks verify {out} --plugin {SCRIPT}" in done.stdout
    return out


@pytest.fixture(scope="module")
def task():
    return runpy.run_path(str(SCRIPT))["TASKS"][0]


def boxes_rows(out):
    return [row for row in rows_of(out) if row["task"] == "bounding_boxes"]


def test_its_rows_are_proven(out):
    done = run_command("verify", out, *PLUGIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("24 rows and 12 pictures read again\nevery row is proven\n")
    done = run_command("verify", out)
    assert done.returncode == 1
    assert "bounding_boxes): no such task (if it is a plug-in's: verify with --plugin)" in done.stderr


def test_another_script_makes_another_build(tmp_path):
    """Its shards would hold rows of two versions."""
    script, words = tmp_path / "mine.py", ("--dataset", "sample", "--limit", 3, "--no-images", "--workers", 1)
    script.write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    build = ("build", "--plugin", script, *words, "--tasks", "recognition", "--out", tmp_path / "out")
    assert run_command(*build).returncode == 0
    assert "already built" in run_command(*build).stdout
    with script.open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert "was built differently" in one_line(run_command(*build))


def test_a_changed_row_is_not(out, task):
    assert isinstance(task, PluginTask) and isinstance(task, PictureTask) and isinstance(task, ScoredTask)
    record = boxes_rows(out)[0]
    target, picture = record["completion"][0]["content"], record["images"][0]["bytes"]
    row = Row("bounding_boxes", record["label"], record["prompt"][0]["content"], target)
    task.check(row)
    task.check_picture(row, picture)
    first, *rest = target.split("\n")
    symbol = first.split(" ")[0]
    for line in (f"{symbol} 1 2 3", f"{symbol} 9 2 3 4", f"{symbol} 1 2 3 1001", "Q 1 2 3 4", symbol):
        with pytest.raises(ProofError):
            task.check(replace(row, target="\n".join([line, *rest])))
    with pytest.raises(ProofError, match="last line"):
        task.check(replace(row, target=target + " x"))
    with pytest.raises(ProofError, match="no ink in the box"):
        task.check_picture(replace(row, target="\n".join([f"{symbol} 0 0 1 1", *rest])), picture)
    with pytest.raises(ProofError, match="outside of all boxes"):
        task.check_picture(replace(row, target="\n".join(rest)), picture)


def test_shown_reported_exported_and_scored(out, tmp_path):
    shown = run_command("show", out, *PLUGIN, "--task", "bounding_boxes")
    assert "╭─ bounding_boxes" in shown.stdout
    done = run_command("report", out, *PLUGIN, "-o", tmp_path / "page.html")
    assert done.returncode == 0
    assert "bounding_boxes" in (tmp_path / "page.html").read_text(encoding="utf-8")
    done = run_command("export", out, *PLUGIN, "--to", "ms-swift", "-o", tmp_path / "swift")
    assert "12 synthetic_train_bounding_boxes\n" in done.stdout
    lines = []
    for number, row in enumerate(boxes_rows(out)):
        answer = row["completion"][0]["content"] if number % 2 else "no boxes\n" + row["label"]
        lines.append(
            {"source": row["source"], "img_id": row["id"], "gt": row["gt"], "task": row["task"], "raw": answer,
             "pred": answer.rpartition("\n")[2], "sample": 0, "stop": "eos"}
        )  # fmt: skip
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run_command("evaluate", tmp_path / "answers.jsonl", *PLUGIN, "--json")
    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)["tasks"]["bounding_boxes"]["scores"]
    assert scores["readable_boxes"]["value"] == 50
    assert 0 < scores["symbol_f1"]["value"] < 100


def test_another_corpus_has_no_rows_of_it(tmp_path):
    root = make_hme100k(tmp_path / "HME100K", 3)
    words = ("--dataset", "hme100k", "--root", root, "--tasks", "recognition,bounding_boxes", "--workers", 1)
    done = run_command("build", *PLUGIN, *words, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert {row["task"] for row in rows_of(tmp_path / "out")} == {"recognition"}


def test_its_prompt_may_come_from_a_file(tmp_path):
    prompts = tmp_path / "prompts.toml"
    prompts.write_text('recognition = "read"\nbounding_boxes = "where?"\n')
    words = ("--dataset", "sample", "--limit", 2, "--tasks", "recognition,bounding_boxes", "--workers", 1)
    done = run_command("build", *PLUGIN, *words, "--prompts", prompts, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    done = run_command("verify", tmp_path / "out", *PLUGIN)
    assert done.stdout.endswith("every row is proven\n")


PACKAGE = """
from dataclasses import replace
from hmer_tasks.corpora import find
from hmer_tasks.exporting.exporters import Exporter
from hmer_tasks.exporting.folder import Done, Layout
CORPUS = replace(find("sample"), name="ours", origin="our cellar", licence="yours")
def shard(path, name, folder, summary):
    (folder / "lines.txt").open("a").write(name + "\\n")
    return Done({"ours_train": summary["shards"][name]["rows"]}, [])
EXPORTER = Exporter("lines", lambda: Layout("lines", shard, lambda folder, configs: None), lambda *_: ["well done"])
"""


def test_a_package_brings_them_as_entry_points(tmp_path):
    place = tmp_path / "site"
    (place / "ours-1.dist-info").mkdir(parents=True)
    (place / "ours_package.py").write_text(PACKAGE)
    (place / "ours-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1\n")
    (place / "ours-1.dist-info/entry_points.txt").write_text(
        "[hmer_tasks.corpora]\nours = ours_package:CORPUS\n[hmer_tasks.exporters]\nlines = ours_package:EXPORTER\n"
    )
    path = os.pathsep.join([str(place), os.environ.get("PYTHONPATH", str(REPOSITORY))])
    environment = {**os.environ, "PYTHONPATH": path}
    words = ("--dataset", "ours", "--limit", 3, "--workers", 1, "--out", tmp_path / "out")
    assert run_command("build", *words, env=environment).returncode == 0
    assert "our cellar" in (tmp_path / "out/croissant.json").read_text()
    done = run_command("export", tmp_path / "out", "--to", "lines", "-o", tmp_path / "x", env=environment)
    assert done.stdout.endswith("well done\n")
    assert (tmp_path / "x/lines.txt").read_text() == "data/train-00000-of-00001.parquet\n"
    assert "no corpus 'ours'" in one_line(run_command("build", *words), code=2)


@pytest.mark.parametrize(
    ("source", "message"),
    (
        (None, "no such file"),
        ("TASKS = []", "none of the lists"),
        ("TASKS = 3", "must be lists"),
        ("TASKS = [3]", "3 is no Corpus, no Exporter, and no task"),
        ("import nothing_of_the_kind", "ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
        ("TASKS = [", "SyntaxError"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("from hmer_tasks.corpora import find\nCORPORA = [find('sample')]", "named 'sample' exists already"),
    ),
)
def test_a_plugin_that_is_none(tmp_path, source, message):
    path = tmp_path / "mine.py"
    if source is not None:
        path.write_text(source)
    line = one_line(run_command("datasets", "--plugin", path), code=2)
    assert message in line and "mine" in line


def test_the_schema_is_that_of_every_build(out):
    from hmer_tasks.shards.schema import SCHEMA

    assert pq.read_schema(next((out / "data").iterdir())).equals(SCHEMA)


FAULTY = """
import os
from hmer_tasks.exceptions import ProofError
from hmer_tasks.tasks import Row
class Faulty:
    name, prompt = "faulty", "Where?"
    def row(self, labelled, prompts):
        return {}["number"] if os.environ["FAULT"] == "row" else Row(self.name, "x", prompts[self.name], "x")
    def check(self, row):
        raise ProofError("x is not y")
    def read(self, target):
        return None
    def score(self, answer, label):
        return {"right": 1 / 0}
TASKS = [Faulty()]
"""


def test_its_own_faults_name_it(tmp_path):
    script = tmp_path / "mine.py"
    script.write_text(FAULTY)

    def fault(kind, *words):
        return one_line(run_command(*words, "--plugin", script, env={**os.environ, "FAULT": kind}), code=1)

    build = ("build", "--dataset", "sample", "--limit", 2, "--tasks", "faulty", "--out", tmp_path / "out")
    assert f"plug-in {script}, line 8, in row: KeyError: 'number'. HMER_DEBUG=1" in fault("row", *build)
    proof = fault("check", *build)
    assert (
        "sample/train text-01, faulty: a row failed its proof, which is a bug of its plug-in: x is" in proof
    )
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"img_id": "a", "gt": "x", "pred": "x", "task": "faulty", "raw": "x"}\n')
    assert f"plug-in {script}, line 14, in score: ZeroDivisionError" in fault("", "evaluate", answers)
