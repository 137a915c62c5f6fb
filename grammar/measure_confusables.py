"""Measures grammar/confusables.toml: which symbols recognisers really misread, and how.

    python grammar/measure_confusables.py ../shared/corpora/predictions/*.tsv > grammar/confusables.toml

Input: tsv files `id<TAB>label<TAB>prediction`. A prediction whose distance is over half the longer
length is left out: it is no misreading but a collapse. Only counts of tokens leave this script.
"""

import sys
from collections import Counter, defaultdict
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.tree import to_label
from hmer_tasks.reasons import LabelError

STRUCTURE = frozenset(["{", "}", "_", "^", "&", "\\\\", "\\begin", "\\end"])


def plain(token: str) -> bool:
    """An ordinary symbol: exchanging it leaves the structure as it is."""
    t = tables()
    return not (token in STRUCTURE or token in t.signatures or token in t.fences or token.startswith("{"))


def pairs(paths: list[Path]) -> list[tuple[list[str], list[str]]]:
    """(right tokens, read tokens) of every misread expression, and of the right ones too."""
    out = []
    for path in paths:
        for line in path.read_text(encoding="utf-8").split("\n"):
            fields = line.rstrip("\r").split("\t")
            if len(fields) != 3:
                continue
            try:
                out.append((to_label(parse(fields[1])).split(), to_label(parse(fields[2])).split()))
            except LabelError:
                continue
    return out


def main(arguments: list[str]) -> None:
    paths = [Path(a) for a in arguments]
    seen: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    misread: dict[str, Counter[str]] = defaultdict(Counter)
    kinds: Counter[str] = Counter()
    mistakes: Counter[int] = Counter()
    wrong = total = 0
    for right, read in pairs(paths):
        total += 1
        seen.update(token for token in right if plain(token))
        if right == read or 2 * Levenshtein.distance(right, read) > max(len(right), len(read)):
            continue
        wrong += 1
        spans = 0
        for tag, a, b, c, d in Levenshtein.opcodes(right, read):
            if tag == "equal":
                continue
            spans += 1
            was, now = right[a:b], read[c:d]
            if tag == "replace" and len(was) == len(now) == 1 and {was[0], now[0]} == {"_", "^"}:
                kinds["script"] += 1
            elif all(map(plain, was + now)) and len(was) <= 2 and len(now) <= 2:
                kinds[tag] += 1
                if tag == "delete":
                    missing.update(was)
                elif tag == "insert":
                    extra.update(now)
                else:
                    for old, new in zip(was, now, strict=True):
                        misread[old][new] += 1
        mistakes[min(spans, 8)] += 1

    print("# How recognisers misread symbols: counts, measured by measure_confusables.py beside this file.")
    print("# `seen` is how often the symbol stood in labels, `as` what it was read as, `missing` how often")
    print("# it was not read at all; [extra] what was read where nothing stood.")
    print("\n[provenance]")
    print(f"files = [{', '.join(toml_string(p.name) for p in paths)}]")
    print(f"expressions = {total}\nmisread = {wrong}")
    print("\n# mistakes in a misread expression: 1, 2, … 8 and more")
    print(f"[mistakes]\ncounts = [{', '.join(str(mistakes[n]) for n in range(1, 9))}]")
    print("\n# a symbol read as another, left out, read where there is none; sub read as sup or sup as sub")
    print(f"[kinds]\nreplace = {kinds['replace']}\ndelete = {kinds['delete']}")
    print(f"insert = {kinds['insert']}\nscript = {kinds['script']}")
    print("\n[extra]")
    for token, count in sorted(extra.items(), key=lambda x: (-x[1], x[0])):
        if count > 1:
            print(f"{toml_string(token)} = {count}")
    print("\n[symbols]")
    for token in sorted(seen, key=lambda t: (-seen[t], t)):
        read_as = {t: n for t, n in misread[token].items() if n > 1 or seen[token] < 2000}
        if read_as or missing[token]:
            inner = ", ".join(
                f"{toml_string(t)} = {n}" for t, n in sorted(read_as.items(), key=lambda x: (-x[1], x[0]))
            )
            print(
                f"{toml_string(token)} = {{ seen = {seen[token]}, missing = {missing[token]}, as = {{ {inner} }} }}"
            )


def toml_string(text: str) -> str:
    return f"'{text}'" if "'" not in text else f'"{text}"'


if __name__ == "__main__":
    main(sys.argv[1:])
