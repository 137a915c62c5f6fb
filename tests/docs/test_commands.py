"""Every command and every piece of Python in README and docs runs, and prints what the page shows.

What needs a GPU, a network, a cluster or a corpus (`<!-- not run: … -->`) is parsed: its flags, its values, its files.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import typer

from tests.conftest import REPOSITORY
from tests.docs.blocks import Block, blocks, commands, is_printed
from tests.docs.conftest import SAMPLE
from tests.docs.run import run

PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
READY = ["core", "train", "full", "docs"]  # what `make` has installed, for a dry run
# click's UsageError; typer carries its own copy of it.
WRONG_ARGUMENTS = typer.BadParameter.__mro__[1]
_SHELL = re.compile(r"[|<>;&$`]|^(?!hmer-tasks )")


def page_id(page: Path) -> str:
    return str(page.relative_to(REPOSITORY)) if page.is_relative_to(REPOSITORY) else page.name


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_the_page_does_what_it_says(page, folder, sample):
    _follow(page, folder, sample)


def _follow(page: Path, folder: Path, sample: tuple[Path, str]) -> None:
    """Do what a page says, block by block, in a folder of its own."""
    output = ""
    for block in blocks(page):
        place = f"{page_id(page)}:{block.line}"
        if block.prints:
            missing = is_printed(block.text, output)
            assert missing is None, f"{place}: not printed: {missing}\n{output}"
        elif block.text.strip() == "make build":
            output = _run(Block("bash", _recipe("build"), block.line), folder, sample, place)
        elif block.language == "bash":
            output = _check(block, place) if block.not_run else _run(block, folder, sample, place)
        elif block.language == "python" and not block.not_run:
            code, output = run(folder, script=block.text)
            assert code == 0, f"{place}: {output}"
        elif block.language == "python":
            compile(block.text, place, "exec")


def _run(block: Block, folder: Path, sample: tuple[Path, str], place: str) -> str:
    """Run a shell block; what it prints. Lines that are `hmer-tasks` alone need no shell, and no new Python."""
    if any(_SHELL.search(line) for line in commands(block.text)):
        path = _path_with_command(folder)
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"}
        done = subprocess.run(
            ["bash", "-euc", block.text],
            check=False,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{place}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr
    printed = []
    for line in commands(block.text):
        words = shlex.split(line)
        if line.removesuffix(" --out build/sample") == SAMPLE and not (folder / "build/sample").exists():
            built, text = sample
            shutil.copytree(built, folder / "build/sample")
            printed.append(text)
        else:
            code, text = run(folder, words[1:])
            assert code == 0, f"{place}: {line}\n{text}"
            printed.append(text)
    return "".join(printed)


def _path_with_command(folder: Path) -> str:
    """A PATH on which `hmer-tasks` and `python` are those of this checkout."""
    binaries = folder / ".bin"
    binaries.mkdir(exist_ok=True)
    for name, words in {"hmer-tasks": "-m hmer_tasks", "python": ""}.items():
        (binaries / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (binaries / name).chmod(0o755)
    return f"{binaries}:{os.environ['PATH']}"


def _make(*words: str) -> subprocess.CompletedProcess[str]:
    """`make` without doing anything, as if all were installed."""
    installed = [flag for stamp in READY for flag in ("-o", f".venv/{stamp}")]
    return subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *installed, *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def _recipe(target: str) -> str:
    """The commands `hmer-tasks …` of a target, as a shell block."""
    lines = _make(target).stdout.replace(".venv/bin/", "").splitlines()
    return "\n".join(line for line in lines if line.startswith("hmer-tasks "))


def _check(block: Block, place: str) -> str:
    """The commands of a block that is not run are well formed; nothing is printed."""
    for line in commands(block.text):
        words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=.*", word)] or ["true"]
        if words[0] == "hmer-tasks":
            _check_command(words[1:], place)
        elif words[0] == "make":
            done = _make(*shlex.split(line)[1:])
            assert done.returncode == 0, f"{place}: {line}: {done.stderr}"
        elif "-m" in words and (module := words[words.index("-m") + 1]).partition(".")[0] in (
            "trainer",
            "bench",
        ):
            _check_flags(words, _help(module), place)
        elif words[:1] == ["python"] and words[1].endswith(".py"):
            _check_flags(words, (REPOSITORY / words[1]).read_text(encoding="utf-8"), place)
        for word in words:
            if re.match(r"(trainer|examples|grammar|bench)/", word):
                assert (REPOSITORY / word).exists(), f"{place}: no file {word}"
    return ""


def _check_command(words: list[str], place: str) -> None:
    """Parse the arguments of `hmer-tasks` without running anything."""
    from hmer_tasks.cli.app import app

    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *words = words
        if name.startswith("--"):
            assert any(name in option.opts for option in command.params), f"{place}: no flag {name}"
            return
        assert name in command.commands, f"{place}: no command {name}"
        command = command.commands[name]
    try:
        command.make_context(command.name, list(words))
    except WRONG_ARGUMENTS as error:
        pytest.fail(f"{place}: {words}: {error}")


def _check_flags(words: list[str], known: str, place: str) -> None:
    """Every flag behind the module or script is one that it knows."""
    start = words.index("-m") + 2 if "-m" in words else 2
    for word in words[start:]:
        if word.startswith("--"):
            flag = word.partition("=")[0]
            assert re.search(rf"{flag}\b(?!-)", known), f"{place}: no flag {word}"


@cache
def _help(module: str) -> str:
    """The flags that a module of the trainer or of bench takes."""
    if module == "trainer.sft":
        pytest.importorskip("trl", reason="the flags of training need the extra [train]")
        from trl import ModelConfig, TrlParser

        from trainer.options import DataArguments, TrainConfig

        return "--config " + TrlParser((DataArguments, TrainConfig, ModelConfig)).format_help()
    return (REPOSITORY / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")


def test_a_wrong_page_is_noticed(tmp_path, folder, sample):
    page = tmp_path / "page.md"
    for text, message in {
        "<!-- not run: a GPU -->\n```bash\nhmer-tasks chek x\n```": "no command chek",
        "<!-- not run: a GPU -->\n```bash\nhmer-tasks build --dataset x --no-flag\n```": "No such option",
        "<!-- not run: a GPU -->\n```bash\npython -m trainer.predict --no_flag\n```": "no flag --no_flag",
        "<!-- not run: a GPU -->\n```bash\nmake no-target\n```": "no-target",
        "```python\nprint(1)\n```\n<!-- prints -->\n```text\n2\n```": "not printed: 2",
        "```python\nraise ValueError('gone')\n```": "gone",
    }.items():
        page.write_text(text, encoding="utf-8")
        with pytest.raises((AssertionError, pytest.fail.Exception), match=re.escape(message)):
            _follow(page, folder, sample)


def test_shown_output_may_leave_lines_and_characters_out():
    output = "a\nb 12 c\nd\ne\n"
    assert is_printed("a\n…\nd", output) is None
    assert is_printed("b … c", output) is None
    assert is_printed("a\nd", output) == "d"
    assert is_printed("e\n…\na", output) == "a"
