"""A push uploads exactly the build, goes on where it stopped, and asks before it publishes."""

import json
import os
import shutil

import pytest

from hmer_tasks.corpora import CORPORA
from hmer_tasks.exceptions import UsageError
from hmer_tasks.exporting.push import plan_push
from hmer_tasks.shards.licences import terms
from tests.exporting import hub as hubs
from tests.pipeline.conftest import files_of, one_line, run_command

pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub():
    with hubs.running() as running:
        yield running


def push(hub, *words, token="hf_right"):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment |= {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment |= {"HF_HOME": "/nonexistent"} | ({"HF_TOKEN": token} if token else {})
    return run_command("push", *words, env=environment)


def test_dry_run(source, hub):
    done = push(hub, source, "me/rows", "--dry-run", token="")
    assert done.returncode == 0
    before = files_of(source)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {name: int(size.replace(",", "")) for size, name in lines[:-1]} == {
        name: len(data) for name, data in before.items()
    }
    assert lines[-1][0].replace(",", "") == str(sum(map(len, before.values())))
    assert "does not let you hand it on" in done.stderr
    assert not hub.files and not hub.created


def test_it_asks_first(source, hub):
    done = push(hub, source, "me/rows")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("licence: hme100k: its licence")
    assert "pass --yes" in done.stderr.splitlines()[1]
    assert not hub.created


def test_push(source, hub):
    """What lies on the Hub is the build; shards of an earlier one go, other people's files stay."""
    hub.files = {"data/train-00000-of-00009.parquet": b"old", "notes.txt": b"mine", ".gitattributes": b""}
    done = push(hub, source, "me/rows", "--yes", "--private")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"pushed: {hub.url}/datasets/me/rows")
    assert (hub.created[0]["type"], hub.created[0]["visibility"]) == ("dataset", "private")
    assert hub.files == {**files_of(source), "notes.txt": b"mine", ".gitattributes": b""}


def test_a_push_that_broke_off_goes_on(source, hub):
    hub.refuse = 1
    done = push(hub, source, "me/rows", "--yes")
    assert done.returncode == 1
    assert "run again" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (hub.uploads, hub.files) == (1, {})
    hub.refuse = 1_000
    assert push(hub, source, "me/rows", "--yes").returncode == 0
    assert hub.uploads == 2  # the first shard did not go up again
    assert hub.files == files_of(source)


@pytest.mark.parametrize(
    ("token", "message"), (("", "hf auth login"), ("hf_wrong", "the Hub refuses me/rows (401)"))
)
def test_tokens(source, hub, token, message):
    done = push(hub, source, "me/rows", "--yes", token=token)
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]
    assert done.stderr.count("\n") == 2  # the licence, and this


def test_no_network(source, hub):
    gone = hubs.Hub(url="http://127.0.0.1:9")
    done = push(gone, source, "me/rows", "--yes")
    assert done.returncode == 1
    assert "the Hub cannot be reached" in done.stderr.splitlines()[-1]
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize("name", ("a/b/c", "a b", "--", "", "me/..", "datasets/me/x"))
def test_a_name_that_no_repository_has(source, name):
    with pytest.raises(UsageError, match="is no repository's name") as caught:
        plan_push(source, name)
    assert "\n" not in str(caught.value)


def test_only_a_finished_build_goes_up(built, hub):
    (built / "build.json").unlink()
    assert "has no build.json" in one_line(push(hub, built, "me/rows"))
    assert not hub.created


def test_what_is_not_of_the_build_stays_here(built, hub):
    (built / "secrets.txt").write_text("token")
    (built / "data" / "notes.txt").write_text("private")
    assert push(hub, built, "me/rows", "--yes").returncode == 0
    assert not {"secrets.txt", "data/notes.txt"} & set(hub.files)


@pytest.mark.parametrize(
    ("licence", "hub_id", "ask"),
    (
        ("CC BY-NC-SA 3.0", "cc-by-nc-sa-3.0", True),
        ("CC BY-NC-SA 4.0, as its page states", "cc-by-nc-sa-4.0", True),
        ("CC BY 4.0", "cc-by-4.0", False),
        ("CC BY-ND 4.0", "cc-by-nd-4.0", True),
        ("Apache-2.0, as the package", "apache-2.0", False),
        ("yours", "other", False),
        ("research use, as TAL grants it", "other", True),
        ("not stated by its owners", "other", True),
        ("unknown", "other", True),
    ),
)
def test_terms(licence, hub_id, ask):
    licence_terms = terms(licence)
    assert (licence_terms.hub_id, licence_terms.ask) == (hub_id, ask)
    assert bool(licence_terms.note) or not ask


def test_every_corpus_has_terms():
    asked = {name for name, corpus in CORPORA.items() if terms(corpus.licence).ask}
    assert {"hme100k", "crohme"} <= asked
    assert not {"sample", "synthetic", "folder"} & asked


def test_a_recipe_asks_for_what_each_of_its_corpora_asks(source, tmp_path):
    shutil.copytree(source, tmp_path / "mixed")
    path = tmp_path / "mixed/build.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    summary["made_by"]["arguments"] |= {
        "dataset": "mine", "corpora": [{"dataset": "sample"}, {"dataset": "crohme"}],
    }  # fmt: skip
    path.write_text(json.dumps(summary), encoding="utf-8")
    plan = plan_push(tmp_path / "mixed", "me/rows")
    assert plan.ask and "crohme: CC BY-NC-SA" in plan.note and "unknown" not in plan.note
