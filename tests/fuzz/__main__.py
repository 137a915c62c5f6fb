"""Coverage-guided fuzzing of one target with atheris; see this package's own lines for how."""

import argparse
import importlib
import sys
import time
import traceback
from pathlib import Path
from random import Random
from types import ModuleType

from tests.conftest import CORPORA
from tests.fuzz import TARGETS
from tests.fuzz.mutate import LONGEST, mutate
from tests.fuzz.seeds import seeds

SLOWEST = 1.0  # seconds of CPU that one call may take
REAL = 50  # lines of each file of real labels that are taken as seeds


class Watch:
    """Runs a target, and keeps the first input of each bug instead of ending there."""

    def __init__(self, target: ModuleType, findings: Path) -> None:
        self.target, self.findings = target, findings

    def __call__(self, data: bytes) -> None:
        began = time.process_time()
        try:
            self.target.run(data)
        except Exception as error:  # noqa: BLE001 - whatever comes here is a bug, that is the point
            self.keep(data, error)
        took = time.process_time() - began
        if took > SLOWEST:
            self.keep(data, TimeoutError(f"{took:.1f} s"))

    def keep(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "hmer_tasks" in frame.filename or "fuzz" in frame.filename]
        place = "-".join(f"{Path(frame.filename).stem}_{frame.lineno}" for frame in ours[-2:])
        path = self.findings / f"{type(error).__name__}-{place or 'slow'}"
        if not path.exists():
            path.write_bytes(data)
            text = "".join(traceback.format_exception(error))
            path.with_name(f"{path.name}.why").write_text(text, encoding="utf-8", errors="replace")
            sys.stderr.write(f"found: {path.name}: {str(error)[:200]!r}\n")


def real_lines(what: str) -> list[bytes]:
    """Some lines of each tsv of the real corpora, evenly spread; `what` is "label" or "line"."""
    lines = []
    for path in sorted(CORPORA.rglob("*.tsv")) if what and CORPORA.is_dir() else []:
        rows = path.read_bytes().split(b"\n")
        lines += [row for row in rows[:: max(1, len(rows) // REAL)] if b"\t" in row]
    return [line.split(b"\t")[1] for line in lines] if what == "label" else lines


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.fuzz")
    options.add_argument("target", choices=TARGETS)
    options.add_argument("files", nargs="*", type=Path)
    options.add_argument("--minutes", type=float, default=20.0)
    options.add_argument("--work", type=Path, default=Path("/tmp/hmer-fuzz"))
    chosen = options.parse_args()
    if chosen.files:
        target = importlib.import_module(f"tests.fuzz.{chosen.target}")
        for path in chosen.files:
            began = time.process_time()
            target.run(path.read_bytes())
            print(f"{path}: ends well, {time.process_time() - began:.3f} s")
        return
    import atheris

    with atheris.instrument_imports(
        include=["hmer_tasks", "tests.fuzz", "tomllib", "csv", "tarfile", "zipfile"]
    ):
        target = importlib.import_module(f"tests.fuzz.{chosen.target}")
    corpus, findings = (chosen.work / chosen.target / name for name in ("corpus", "found"))
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    known = seeds(chosen.target) + real_lines(getattr(target, "REAL", ""))
    longest = getattr(target, "LONGEST", LONGEST)
    for number, data in enumerate(known):
        (corpus / f"seed-{number:05}").write_bytes(data[:longest])
    random = Random()

    def custom(data: bytes, max_size: int, seed: int) -> bytes:
        random.seed(seed)
        if random.random() < 0.3:
            return atheris.Mutate(data, max_size)
        return mutate(data, random, target.WORDS, known)[:max_size]

    flags = [f"-max_total_time={int(60 * chosen.minutes)}", f"-max_len={longest}", "-timeout=30"]
    flags += ["-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={findings}/"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], Watch(target, findings), custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
