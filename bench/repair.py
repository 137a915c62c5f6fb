r"""How many refused labels `--repair` mends, and how often a mend is the right one.

    python -m bench.repair

1. CROHME 2023 (half a of the test set): refused labels, those mended by kind, and, where the same
   expression stands in a sound form in MNE N1 or in CROHME 2023 itself, whether the mend is that form.
2. 20,000 sound labels of five corpora, each with one brace lost, doubled or moved, read as labels of no
   known corpus and as labels of CROHME 2023; a label that still parses when broken is left out.
3. Sound labels broken as CROHME 2023 is: every script of one sign loses its closing brace, and one stands
   at the end.
"""

import random
from collections import Counter

from bench.corpus import CORPORA, words
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.repair import repair

SOURCES = {
    "hme100k/train_labels_59452": 7_000, "crohme/captions_train": 5_000, "mathwriting/test_half_a": 3_000,
    "im2latex/validate": 4_500, "mne/N1": 1_500,
}  # fmt: skip
LIKE_CROHME_2023 = 1_500  # labels of each source
LONGEST = 60  # tokens of these


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


def lost(words: list[str], chance: random.Random) -> list[str]:
    """One brace lost."""
    place = chance.choice([i for i, word in enumerate(words) if word in "{}"])
    return words[:place] + words[place + 1 :]


def doubled(words: list[str], chance: random.Random) -> list[str]:
    """One brace twice."""
    place = chance.choice([i for i, word in enumerate(words) if word in "{}"])
    return words[:place] + words[place : place + 1] + words[place:]


def moved(words: list[str], chance: random.Random) -> list[str]:
    """One brace elsewhere."""
    place = chance.choice([i for i, word in enumerate(words) if word in "{}"])
    rest = words[:place] + words[place + 1 :]
    to = chance.choice([i for i in range(len(words)) if i != place])
    return [*rest[:to], words[place], *rest[to:]]


def at_the_end(words: list[str]) -> list[str]:
    """What happened to the labels of CROHME 2023."""
    places = scripts_of_one_sign(words)
    return [*(word for i, word in enumerate(words) if i not in places), "}"] if places else words


def verdict(mended: str, truth: str) -> str:
    if mended.split() == truth.split():
        return "right"
    return "right on paper" if visually_equal(mended, truth) else "WRONG"


def crohme2023(corpus: str) -> None:
    """Step 1; `corpus`: the name that `mend` is told."""

    def signs(label: str) -> str:
        return " ".join(word for word in label.split() if word not in "{}")

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
        mended = repair(label, parses, corpus)
        kind = "refused still" if mended is None else " + ".join(mended.kinds)
        kinds[kind] += 1
        if mended is not None and (truths := sound.get(signs(label))):
            judged[
                kind,
                min(
                    (verdict(mended.label, truth) for truth in truths),
                    key=("right", "right on paper", "WRONG").index,
                ),
            ] += 1
    print(f"CROHME 2023, half a, as corpus {corpus or '(any other)'}:", dict(kinds))
    print("    against sound forms:", {f"{kind}: {how}": n for (kind, how), n in judged.items()})


def sound(name: str) -> list[str]:
    """The labels of a source that parse, in a drawn order."""
    sound = [label for label in labels(name) if "object" not in label.replace(" ", "") and parses(label)]
    random.Random(name).shuffle(sound)
    return sound


def by_one_brace() -> None:
    """Step 2."""
    total: Counter[str] = Counter()
    for name, wanted in SOURCES.items():
        chance = random.Random(name)
        counts: dict[str, Counter[str]] = {}
        chosen = [label for label in sound(name) if "{" in label.split() and "}" in label.split()][:wanted]
        for number, label in enumerate(chosen):
            how = (lost, doubled, moved)[number % 3]
            damaged = " ".join(how(label.split(), chance))
            for corpus in ("", "crohme2023"):
                verdicts = counts.setdefault(corpus, Counter())
                if parses(damaged):
                    verdicts[f"{how.__name__}: parses still"] += 1
                    continue
                mended = repair(damaged, parses, corpus)
                verdict_ = "refused" if mended is None else verdict(mended.label, label)
                verdicts[f"{how.__name__}: {verdict_}"] += 1
                total[f"as {corpus or 'no known corpus'}: {verdict_}"] += 1
        for corpus, verdicts in counts.items():
            print(f"    {name:28} {len(chosen):6,} as {corpus or 'any':10} {dict(sorted(verdicts.items()))}")
    print("    all that no longer parse:", dict(sorted(total.items())))


def as_crohme_2023(name: str, corpus: str) -> None:
    """Step 3 for one source."""
    verdicts: Counter[str] = Counter()
    for label in sound(name)[:LIKE_CROHME_2023]:
        damaged = " ".join(at_the_end(label.split()))
        if len(label.split()) <= LONGEST and not parses(damaged):
            mended = repair(damaged, parses, corpus)
            verdicts["refused" if mended is None else verdict(mended.label, label)] += 1
    print(f"    {name:28} as {corpus or 'any':10} {dict(sorted(verdicts.items()))}")


def main() -> None:
    words(__doc__)
    crohme2023("crohme2023")
    crohme2023("")
    print("sound labels, one brace lost, doubled or moved:")
    by_one_brace()
    print("sound labels, broken as those of CROHME 2023:")
    for name, corpus in ((name, corpus) for corpus in ("crohme2023", "") for name in SOURCES):
        as_crohme_2023(name, corpus)
    gone = sum("o b j e c t" in label for label in labels("mathwriting/test_half_a"))
    print("MathWriting, half a: labels refused for the index that they lost:", gone)


if __name__ == "__main__":
    main()
