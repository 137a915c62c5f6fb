"""Every fuzzing target on its seeds, on what was found before, and on mutations with a fixed seed."""

import importlib
import time
from random import Random

import pytest

from tests.fuzz import TARGETS, command_line
from tests.fuzz.mutate import LONGEST, mutate
from tests.fuzz.seeds import GNARLY, gnarly, seeds

CALLS = 250  # mutations a target
COMMANDS = 12
SLOWEST = 2.0  # seconds of CPU that a call may take, on a machine that is busy with other things


def run(target: str, data: bytes, slowest: float = SLOWEST) -> None:
    began = time.process_time()
    importlib.import_module(f"tests.fuzz.{target}").run(data)
    assert time.process_time() - began < slowest


@pytest.mark.parametrize("target", TARGETS)
def test_mutations(target):
    known = seeds(target)
    assert known
    module = importlib.import_module(f"tests.fuzz.{target}")
    words, longest = module.WORDS, getattr(module, "LONGEST", LONGEST)
    random = Random(8)
    for data in known:
        run(target, data)
    data = known[0]
    for call in range(CALLS):
        # Half of the time one mutation on another: far from any seed, as coverage would lead.
        data = mutate(random.choice(known) if call % 2 else data, random, words, known)[:longest]
        try:
            run(target, data)
        except Exception as error:
            raise AssertionError(f"{target}, call {call}: {data!r}") from error


FILES = [(path.parent.name, path) for target in TARGETS for path in gnarly(target)]


@pytest.mark.parametrize(
    ("target", "path"), FILES, ids=lambda parameter: getattr(parameter, "name", parameter)
)
def test_gnarly_files(target, path):
    run(target, path.read_bytes())


def test_every_gnarly_file_has_a_target():
    assert {folder.name for folder in GNARLY.iterdir()} <= set(TARGETS)


# What is slow where something searches again from every place, each to be said over and over.
REPEATED = [
    *(("parser", piece) for piece in ("{ ", "^ { ", "\\frac ", "\\sqrt [ ", "\\begin {cases} ", "\\begin { a ", "x ' ", "\\left(", "\\\\ ")),
    *(("normalizer", piece) for piece in ("%", "\\\\%", "$ ", "''", "{} ", "\\mbox{", "\\begin ", "x ^ { ' } ", "{ \\rm x } ")),
    *(("tree_text", piece) for piece in ("\nx (right)", "\t", "\n\tx (sub)", "\n\\sqrt (right)", "(", "\nx (begin_array{")),
    *(("markup", piece) for piece in ("<error_start> a <error_end> ", "<deleted> ", "\nREPLACE:a -> ", "\nDELETE:")),
    *(("ink", piece) for piece in ("<ink>", "<trace>1 2</trace>", "<traceFormat>", "&lt;", "<?xml encoding ")),
    *(("label_files", piece) for piece in ("\n", ",", '"', "[", "{}", "\t\n", "a b\n")),
]  # fmt: skip


@pytest.mark.parametrize(("target", "words"), REPEATED)
def test_long_inputs_take_linear_time(target, words):
    run(target, (words * 20_000)[:20_000].encode(), 3 * SLOWEST)


def test_the_command_line(tmp_path):
    for seed in range(COMMANDS):
        words, code, said, _ = command_line.run_once(Random(seed), tmp_path)
        assert not command_line.fault(code, said), (seed, words, said)
