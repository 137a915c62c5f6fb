"""Runs a command or a script in a fresh fork of a process that has read the libraries already.

Fifty commands that each read them anew would take a minute; so they take some seconds.
"""

import io
import multiprocessing
import os
import sys
import traceback
from pathlib import Path

PRELOADED = [
    "tests.docs.run",
    "hmer_tasks.cli.app",
    "hmer_tasks.pipeline",
    "hmer_tasks.evaluation.metrics",
    "hmer_tasks.reports.build_page",
    "hmer_tasks.audit.audit",
    "hmer_tasks.errors.noise.synthesize",
    "hmer_tasks.handwriting.writer",
]
_CONTEXT = multiprocessing.get_context("forkserver")


def run(cwd: Path, words: list[str] | None = None, script: str | None = None) -> tuple[int, str]:
    """Run `hmer-tasks WORDS`, or a Python script, in a folder.

    Args:
        cwd: the folder.
        words: the arguments of `hmer-tasks`.
        script: Python source, instead.

    Returns:
        The exit code, and what was written on standard output and error.
    """
    _CONTEXT.set_forkserver_preload(PRELOADED)
    output = cwd / ".output"
    process = _CONTEXT.Process(target=_child, args=(str(cwd), str(output), words, script))
    process.start()
    process.join(120)
    if process.is_alive():
        process.kill()
        process.join()
    text = output.read_text(encoding="utf-8")
    output.unlink()
    assert process.exitcode is not None
    return process.exitcode, text


def _child(cwd: str, output: str, words: list[str] | None, script: str | None) -> None:
    os.chdir(cwd)
    os.environ["COLUMNS"] = "100"
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0, closefd=False), "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0, closefd=False), "utf-8", write_through=True)
    code = 0
    try:
        if script is None:
            from hmer_tasks.__main__ import main

            sys.argv = ["hmer-tasks", *(words or ())]
            main()
        else:
            exec(compile(script, "<page>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - what a script raises is shown to the test
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    os._exit(code)
