"""Whether we accept and refuse the labels that KaTeX does (bar: 99.9 % of those without a command it lacks).

    python -m bench.katex_agreement [LABELS.tsv …]

Installs the pinned KaTeX with npm in bench/katex on first use. Every difference is printed.
"""

import argparse
import json
import re
import shutil
import subprocess
from pathlib import Path

from bench.corpus import CORPORA
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.parser import parse

KATEX = Path(__file__).parent / "katex"
SETS = ("crohme2023/test_half_a.tsv", "mathwriting/test_half_a.tsv")


def install() -> None:
    """Install the pinned KaTeX, once."""
    if shutil.which("npm") is None:
        raise SystemExit("npm is missing: install Node.js to compare with KaTeX")
    if not (KATEX / "node_modules" / "katex").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
        subprocess.run(command, cwd=KATEX, check=True)


def verdicts(labels: list[str]) -> list[str]:
    """KaTeX's message for each label; empty where it accepts it."""
    install()
    lines = "\n".join(json.dumps(label) for label in labels)
    done = subprocess.run(
        ["node", "verdicts.js"], cwd=KATEX, input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def ours(label: str) -> str:
    try:
        parse(label)
    except LabelError as error:
        return str(error)
    return ""


def compare(path: Path) -> None:
    labels = [line.split("\t")[1] for line in path.read_text(encoding="utf-8").split("\n") if "\t" in line]
    refused = lacking = compared = 0
    differences = []
    for label, katex in zip(labels, verdicts(labels), strict=True):
        if "Undefined control sequence" in katex or "No such environment" in katex:
            lacking += 1
            continue
        compared += 1
        refused += bool(katex)
        verdict = ours(label)
        if bool(katex) != bool(verdict):
            differences.append((label, katex, verdict))
    share = 100 * (compared - len(differences)) / compared
    print(
        f"{path.parent.name}/{path.name}: {len(labels):,} labels, {lacking} with a command KaTeX lacks; of the others"
    )
    print(
        f"  KaTeX refuses {refused}, we agree on {compared - len(differences):,} of {compared:,}: {share:.3f} %"
    )
    for label, katex, verdict in differences:
        print(
            f"  KaTeX: {re.sub('at position.*', '', katex, flags=re.DOTALL) or 'accepts'} | ours: {verdict or 'accepts'}"
        )
        print(f"    {label}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("labels", nargs="*", type=Path)
    for path in arguments.parse_args().labels or [CORPORA / name for name in SETS]:
        compare(path)


if __name__ == "__main__":
    main()
