r"""Fuzzing: a small file a target, each with `run(data: bytes)`, which ends well or raises a bug.

Ending well is a result whose promises hold, or one of the target's named errors. Anything else is a
bug, and so is a call that takes over a second of CPU (inputs are at most 4 kB).

`make test` runs every target on its seeds, on the files of tests/data/gnarly/<target>/ (what fuzzing
and people have found, under telling names), and on a fixed number of mutations with a fixed seed
(test_fuzz.py). Coverage-guided fuzzing needs atheris, which is no dependency of the project. From the
root of the repository:

    pip install atheris                               # into an environment with the project's [dev]
    nice python -m tests.fuzz parser                  # 20 minutes; the targets are named below
    nice python -m tests.fuzz parser --minutes 5 --work /tmp/fuzz
    nice python -m tests.fuzz parser FILE …           # once through each file, to see what it does
    nice python -m tests.fuzz.command_line            # 3 minutes of random commands; needs no atheris

The corpus that coverage has grown stays in WORK/<target>/corpus, and the next run goes on from it. A
bug does not end a run: the first input of each lands in WORK/<target>/found with its traceback. Mend
it, and move the input to tests/data/gnarly/<target>/ under a name that tells what it is.
Lines of real labels serve as further seeds where HMER_CORPORA leads to some; they stay in WORK.
"""

TARGETS = (
    "parser",
    "tree_text",
    "markup",
    "normalizer",
    "ink",
    "drawing",
    "label_files",
    "predictions",
    "prompts",
    "noise",
    "archives",
)
