r"""How well `normalize(raw, "crohme")` reproduces the field's captions, from the raw truths of the ink.

    python -m bench.raw_to_caption

Both sides are compared without \limits and with sub before sup: the two families of captions differ
in those themselves. Left out, and counted: truths that are not TeX, that say ABOVE or BELOW, and
numbers that a spreadsheet rewrote (`9.0` and `9`, `06` and `6`).
"""

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bench.corpus import CORPORA, words
from bench.crohme_ink import ARCHIVES, truths
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import spell
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.rules import profile

# what both sides are put into before they are compared
COMPARED = dataclasses.replace(profile("plain"), limits="drop", scripts="sub_first")
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(slots=True)
class Result:
    """One split: how many pairs, left out and differing by class with (id, raw, ours, caption)."""

    pairs: int = 0
    equal: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    differing: dict[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return self.equal / (self.pairs - self.left_out.total())


def compare(corpora: Path, split: str) -> Result:
    """Normalise every truth of a split and compare it with its caption."""
    result = Result()
    for truth in truths(corpora, split):
        if truth.caption is None and truth.latex is None:
            continue  # the one file that is empty
        result.pairs += 1
        reason, ours = _ours(truth.latex, truth.caption)
        if reason:
            result.left_out[reason] += 1
            continue
        caption = spell(truth.caption or "", COMPARED)
        if ours == caption:
            result.equal += 1
        else:
            cases = result.differing.setdefault(_class(ours, caption), [])
            cases.append((truth.id, (truth.latex or "").strip(), ours, caption))
    return result


def _ours(latex: str | None, caption: str | None) -> tuple[str, str]:
    """Why a pair is left out, or else our label."""
    if latex is None or caption is None:
        return "no truth or no caption", ""
    if "ABOVE" in latex or "BELOW" in latex:
        return "says ABOVE or BELOW", ""
    raw, number = latex.strip().strip("$").strip(), caption.replace(" ", "")
    if raw != number and _NUMBER.fullmatch(raw) and _NUMBER.fullmatch(number) and float(raw) == float(number):
        return "a spreadsheet's number", ""
    try:
        return "", spell(normalize(latex, "crohme"), COMPARED)
    except LabelError as error:
        return f"not TeX: {error.reason}", ""


def _class(ours: str, caption: str) -> str:
    if ours == caption.replace("'", "\\prime"):
        return "a prime written ' in the caption"
    signs = [sorted(token for token in label.split() if token not in "{}_^") for label in (ours, caption)]
    return "the same signs in another place" if signs[0] == signs[1] else "other signs in truth and caption"


def main() -> None:
    words(__doc__)
    for split in ARCHIVES:
        result = compare(CORPORA, split)
        print(f"{split}: {result.pairs} pairs, {result.left_out.total()} left out, {result.equal} equal: "
              f"{result.share:.2%}")  # fmt: skip
        for reason, count in result.left_out.most_common():
            print(f"    left out {count:4}  {reason}")
        for kind, cases in result.differing.items():
            print(f"    differ   {len(cases):4}  {kind}")
            for name, raw, ours, caption in cases[:3]:
                print(f"        {name}\n            raw     {raw}")
                print(f"            ours    {ours}\n            caption {caption}")


if __name__ == "__main__":
    main()
