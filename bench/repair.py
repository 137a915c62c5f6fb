r"""How many refused labels `--repair` mends, and how often a mend is the right one.

    python -m bench.repair

1. CROHME 2023 (half a of the test set): refused labels, those mended by kind, and, where the same
   expression stands in a sound form in MNE N1 or in CROHME 2023 itself, whether the mend is that form.
2. Sound labels broken on purpose, in four ways; a label that still parses when broken is left out:
   `at the end`   every script of one sign loses its closing brace, one stands at the end (CROHME 2023)
   `one lost`     one script of one sign loses its closing brace
   `some lost`    two or more do
   `any lost`     any closing brace is lost: what the mends are not made for
"""

import random
from collections import Counter
from collections.abc import Callable

from bench.corpus import CORPORA
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.repair import mend
from hmer_tasks.latex.spelling import same_on_paper
from hmer_tasks.reasons import LabelError

SOURCES = ("crohme/captions_train", "im2latex/validate", "mathwriting/test_half_a", "mne/N1")
BROKEN = 1500  # labels of each source
LONGEST = 60  # tokens


def labels(name: str) -> list[str]:
    text = (CORPORA / f"{name}.tsv").read_text(encoding="utf-8")
    return [line.split("\t")[1] for line in text.split("\n") if "\t" in line]


def parses(label: str) -> bool:
    try:
        parse(label)
    except LabelError:
        return False
    return True


def scripts_of_one_sign(words: list[str]) -> list[int]:
    """Where the closing braces of `_ { x }` stand."""
    return [
        i + 3
        for i in range(len(words) - 3)
        if words[i] in ("_", "^") and words[i + 1] == "{" and words[i + 2] not in "{}" and words[i + 3] == "}"
    ]


def without(words: list[str], places: set[int]) -> list[str]:
    return [word for i, word in enumerate(words) if i not in places]


def at_the_end(words: list[str], chance: random.Random) -> list[str]:
    places = scripts_of_one_sign(words)
    return [*without(words, set(places)), "}"] if places else words


def one_lost(words: list[str], chance: random.Random) -> list[str]:
    places = scripts_of_one_sign(words)
    return without(words, {chance.choice(places)}) if places else words


def some_lost(words: list[str], chance: random.Random) -> list[str]:
    places = scripts_of_one_sign(words)
    if len(places) < 2:
        return words
    return without(words, set(chance.sample(places, chance.randint(2, len(places)))))


def any_lost(words: list[str], chance: random.Random) -> list[str]:
    places = [i for i, word in enumerate(words) if word == "}"]
    return without(words, {chance.choice(places)}) if places else words


def verdict(mended: str, truth: str) -> str:
    if mended.split() == truth.split():
        return "right"
    return "right on paper" if same_on_paper(mended, truth) else "WRONG"


def crohme2023(corpus: str) -> None:
    """Step 1; `corpus`: the name that `mend` is told."""
    signs = lambda label: " ".join(word for word in label.split() if word not in "{}")  # noqa: E731
    sound: dict[str, list[str]] = {}
    for label in (*labels("mne/N1"), *labels("crohme2023/test_half_a")):
        if parses(label):
            sound.setdefault(signs(label), []).append(label)
    kinds: Counter[str] = Counter()
    judged: Counter[tuple[str, str]] = Counter()
    for label in labels("crohme2023/test_half_a"):
        if parses(label):
            kinds["accepted as they are"] += 1
            continue
        mended = mend(label, parses, corpus)
        kind = "refused still" if mended is None else " + ".join(mended.kinds)
        kinds[kind] += 1
        if mended is not None and (truths := sound.get(signs(label))):
            judged[kind, min((verdict(mended.label, truth) for truth in truths), key="rW".find)] += 1
    print(f"CROHME 2023, half a, as corpus {corpus or '(any other)'}:", dict(kinds))
    print("    against sound forms:", {f"{kind}: {how}": n for (kind, how), n in judged.items()})


def broken(name: str, how: Callable[[list[str], random.Random], list[str]], corpus: str) -> None:
    """Step 2 for one source and one way of breaking."""
    chance = random.Random(name)
    found: Counter[str] = Counter()
    chosen = labels(name)
    chance.shuffle(chosen)
    for label in chosen[:BROKEN]:
        words = label.split()
        damaged = " ".join(how(words, chance))
        if len(words) > LONGEST or not parses(label) or damaged == label or parses(damaged):
            continue
        if "o b j e c t" in label or "object" in label:  # refused for the root's index that it lost
            continue
        mended = mend(damaged, parses, corpus)
        found["refused" if mended is None else verdict(mended.label, label)] += 1
    total = found.total() or 1
    shares = ", ".join(f"{kind} {n} ({n / total:.1%})" for kind, n in sorted(found.items()))
    print(f"    {how.__name__:10} as {corpus or 'any':10} {name:24} {shares}")


def main() -> None:
    crohme2023("crohme2023")
    crohme2023("")
    print("sound labels, broken:")
    for how, corpus in (
        (at_the_end, "crohme2023"),
        (at_the_end, ""),
        (one_lost, ""),
        (some_lost, ""),
        (any_lost, ""),
    ):
        for name in SOURCES:
            broken(name, how, corpus)
    lost = sum("o b j e c t" in label for label in labels("mathwriting/test_half_a"))
    print("MathWriting, half a: labels refused for the index that they lost:", lost)


if __name__ == "__main__":
    main()
