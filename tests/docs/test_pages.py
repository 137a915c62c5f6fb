"""The pages agree with the code where they repeat it, and the notebook runs."""

import re
from pathlib import Path

import pytest
import typer

from hmer_tasks.cli.app import app
from hmer_tasks.corpora import CORPORA
from hmer_tasks.exceptions import RejectReason
from hmer_tasks.shards.schema import SCHEMA
from hmer_tasks.tasks import TASK_NAMES
from hmer_tasks.tasks.prompts import prompt_set
from tests.conftest import REPOSITORY
from tests.docs.blocks import blocks

DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]


def test_the_prompts_are_quoted_to_the_character():
    quoted = [block.text for block in blocks(DOCS / "formats.md") if block.language == "text"]
    prompts = prompt_set("uni-mumer")
    assert set(prompts) == set(TASK_NAMES)
    for name, prompt in prompts.items():
        assert prompt in quoted, name


def test_every_reason_is_explained_and_no_other():
    named = set(re.findall(r"^\| (`.+?) \|", (DOCS / "reasons.md").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", " ".join(named))) == {str(reason) for reason in RejectReason}


def test_every_column_and_corpus_is_named():
    formats, corpora = ((DOCS / name).read_text("utf-8") for name in ("formats.md", "corpora.md"))
    assert all(f"`{name}`" in formats for name in SCHEMA.names)
    assert all(f"`{name}`" in corpora for name in CORPORA)


def test_every_command_occurs_in_a_page():
    text = "".join(page.read_text("utf-8") for page in PAGES)
    command = typer.main.get_command(app)
    for name in command.commands:
        assert f"hmer-tasks {name}" in text, name


def test_every_citation_of_the_formats_is_a_section():
    sections = set(re.findall(r"^##+ ([\d.]+?)\.? ", (DOCS / "formats.md").read_text("utf-8"), re.MULTILINE))
    cited = 0
    for folder in ("hmer_tasks", "trainer"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            text = path.read_text("utf-8")
            for place in re.findall(r"formats\.md(.{0,20})", text):
                section = re.match(r", section ([\d.]*\d)", place)
                assert section, f"{path}: formats.md{place}"
                assert section[1] in sections, f"{path}: no section {section[1]}"
                cited += 1
    assert cited


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path):
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)#\s]*)(?:#[^)]*)?\)", text):
        if link and "://" not in link:
            assert (page.parent / link).exists(), link


def test_the_readme_is_short():
    assert len((REPOSITORY / "README.md").read_text("utf-8").splitlines()) <= 150


def test_the_notebook_runs(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="notebooks need the extra [dev]")
    from nbclient import NotebookClient

    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    notebook = nbformat.read(REPOSITORY / "examples" / "quickstart.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "'tree_cot': 24" in printed
    assert not [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count is None]
