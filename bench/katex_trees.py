"""Whether a label means to KaTeX what its explicit form means (bar: the MathML trees agree).

    python -m bench.katex_trees [LABELS.tsv …] [--profile latex]

Each label is drawn by KaTeX twice: as its owners wrote it, and after `to_label(parse(…))`, or after the
normaliser with --profile. Installs the pinned KaTeX with npm in bench/katex on first use. Every difference is
printed. By default 37,280 labels of seven files.
"""

import argparse
import json
import subprocess
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

from bench.corpus import CORPORA
from bench.katex_agreement import KATEX, install
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label

SETS = (
    "crohme/captions_train.tsv",
    "crohme/captions_2014.tsv",
    "crohme2023/test_half_a.tsv",
    "hme100k/test_half_a.tsv",
    "mathwriting/test_half_a.tsv",
    "mne/N1.tsv",
    "im2latex/validate.tsv",
)


def drawn(labels: list[str]) -> list[str]:
    """KaTeX's MathML of each label; "!" and its message where it refuses one."""
    install()
    lines = "\n".join(json.dumps(label) for label in labels)
    done = subprocess.run(
        ["node", "mathml.js"], cwd=KATEX, input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.split("\n") if line]


# KaTeX sets a sign in braces without the space of an operator: `_ { * }` and `_ *` differ in this alone
_SPACING = frozenset(["lspace", "rspace"])


def tree(mathml: str) -> object:
    """A MathML tree without the rows of one and without spacing: tag, attributes, text, children."""
    return _tree(fromstring(f"<math>{mathml.replace('&nbsp;', ' ')}</math>"))


def _tree(element: Element) -> object:
    children = [child for element_child in element for child in _spliced(element_child)]
    attributes = sorted(item for item in element.items() if item[0] not in _SPACING)
    return element.tag, attributes, element.text or "", [_tree(child) for child in children]


def _spliced(element: Element) -> list[Element]:
    """An element; in place of a bare row of one element that element."""
    while element.tag == "mrow" and len(element) == 1 and not element.attrib:
        element = element[0]
    return [element]


def read(label: str, profile: str | None) -> str | None:
    """The label in explicit form; None where it is refused."""
    try:
        return to_label(parse(label)) if profile is None else normalize(label, profile)
    except LabelError:
        return None


def compare(path: Path, profile: str | None) -> None:
    text = path.read_text(encoding="utf-8")
    labels = [line.split("\t")[1] for line in text.split("\n") if "\t" in line]
    pairs = [(label, form) for label in labels if (form := read(label, profile)) is not None]
    counts: Counter[str] = Counter()
    differing = []
    for (label, form), before, after in zip(
        pairs, drawn([label for label, _ in pairs]), drawn([form for _, form in pairs]), strict=True
    ):
        if before.startswith("!"):
            counts["KaTeX refuses what the owners wrote"] += 1
            if not after.startswith("!"):
                counts["of these, KaTeX takes the explicit form"] += 1
        elif after.startswith("!") or tree(before) != tree(after):
            differing.append((label, form, after[1:] if after.startswith("!") else "another tree"))
        else:
            counts["the same tree"] += 1
    print(f"{path.parent.name}/{path.name}: {len(labels):,} labels, {len(pairs):,} accepted")
    for what, count in counts.items():
        print(f"  {count:,} {what}")
    print(f"  {len(differing):,} differ")
    for label, form, why in differing:
        print(f"    {why}\n      {label}\n      {form}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("labels", nargs="*", type=Path)
    arguments.add_argument("--profile", help="read the labels by this profile of the normaliser")
    given = arguments.parse_args()
    for path in given.labels or [CORPORA / name for name in SETS]:
        compare(path, given.profile)


if __name__ == "__main__":
    main()
