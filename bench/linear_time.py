r"""How time grows with the length of one line: time(10 n) / time(n), for all public functions.

    python -m bench.linear_time                        # 10^3 to 10^5 tokens
    python -m bench.linear_time --most 1000000         # to 10^6: about an hour on one core
    python -m bench.linear_time --only normalize --kind limits

Each function reads each kind of input at 10^3, 10^4 ... tokens. A ratio of 10 is linear, 100 quadratic; the
bar is 13. Times are of the process (not of the clock), the best of a few runs, without the garbage collector, and without what is remembered
from earlier calls. A refusal counts as an answer: what is bounded and refused by name has a low ratio.
Times under a millisecond are not compared. Synthetic mistakes are drawn: a draw that has to parse and compare the
candidate costs up to 15 times one that need not, at any length, so a ratio of theirs over the bar says that the
longer label had the dearer draw (profiled: the number of parses differs, the time of each is linear).
"""

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase

from bench.corpus import labels
from hmer_tasks.corpora.label_files import read_labels
from hmer_tasks.errors.equivalence import is_equivalent, without_groups
from hmer_tasks.errors.markup import (
    apply_corrections,
    corrected_label,
    mark_errors,
    marked_errors,
    strip_marks,
)
from hmer_tasks.errors.mine import Caps, mine
from hmer_tasks.errors.noise.fit import Measured, add
from hmer_tasks.errors.noise.model import shipped_model
from hmer_tasks.errors.noise.synthesize import synthesize, synthesize_candidates
from hmer_tasks.evaluation.answers import marks_valid
from hmer_tasks.evaluation.boxes import box_score
from hmer_tasks.evaluation.confusions import mistakes
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.evaluation.vote import vote
from hmer_tasks.exceptions import LabelError, PictureError
from hmer_tasks.handwriting.inkml import parse as parse_ink
from hmer_tasks.handwriting.strokes import render
from hmer_tasks.latex.canonical import canonicalize, visually_equal
from hmer_tasks.latex.counts import count_text, written_counts
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse, unknown_commands
from hmer_tasks.latex.repair import repair
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from hmer_tasks.predictions import Prediction, read_predictions
from hmer_tasks.rewards import REWARDS
from hmer_tasks.storage.content import HeldContent
from hmer_tasks.typeset.layout import layout
from hmer_tasks.utils.keyed_random import keyed_random

BAR = 13.0
SHORTEST = 1e-3  # seconds that are compared
DRAWS = 8  # by different keys
LONGEST = 10.0  # seconds; a longer call is not made ten times longer
FIRST = 1_000  # tokens

Make = Callable[[int], str]


# ---------------------------------------------------------------- kinds of input


def repeated(words: str) -> Make:
    """The words again and again, up to so many tokens."""
    count = max(1, len(words.split()))
    return lambda n: " ".join([words] * max(1, n // count))


def nested(opening: str, inside: str, closing: str) -> Make:
    """`opening` many times, `inside`, `closing` as often."""
    count = len(f"{opening} {closing}".split())
    return lambda n: " ".join([*[opening] * (n // count), inside, *[closing] * (n // count)])


def distinct(n: int) -> str:
    """Commands no two of which are alike."""
    names = ("\\zz" + "".join(letters) for letters in product(ascii_lowercase, repeat=5))
    return " ".join(islice(names, n))


def soup(n: int) -> str:
    """Tokens in a drawn order."""
    words = (
        r"{ } _ ^ & \\ ' [ ] \frac \sqrt \left \limits \over x 1 + \sum \hat \begin {cases} \end √".split()
    )
    return " ".join(random.Random(0).choices(words, k=n))


def symbols(n: int) -> str:
    """Signs in a drawn order, a label that parses."""
    return " ".join(random.Random(1).choices(r"a b c x y 1 2 3 + - = \alpha \le \pi ( )".split(), k=n))


def real(n: int) -> str:
    """Real labels, one after another."""
    out: list[str] = []
    for label in labels(20_000):
        if len(out) >= n:
            break
        try:
            parse(label)
        except LabelError:
            continue
        out += label.split()
    return " ".join((out * (n // len(out) + 1))[:n] if len(out) < n else out)


KINDS: dict[str, Make] = {
    "open braces": repeated("{"),
    "closing braces": repeated("}"),
    "empty groups": repeated("{ }"),
    "groups": repeated("{ x + 1 }"),
    "nested groups": nested("{", "x", "}"),
    "scripts": repeated("x _ { a } ^ { b }"),
    "scripts of groups": repeated("{ } _ { a } ^ { b }"),
    "scripts without braces": repeated("x _ a ^ 2"),
    "scripts left open": repeated("x ^ { 2 + y"),
    "limits": repeated(r"\limits _ a"),
    "limits of sums": repeated(r"\sum \limits _ { a } ^ { b }"),
    "bare limits": repeated(r"\limits"),
    "primes": repeated("'"),
    "primes and scripts": repeated("x ' ' ^ { 2 } '"),
    "rows": repeated(r"a & b \\"),
    "row breaks": repeated(r"\\"),
    "environments": repeated(r"\begin {cases} x \\ y \end {cases}"),
    "environments left open": repeated(r"\begin {cases} x"),
    "environments misspelled": repeated(r"\begin c a s e s x \end c a s e s"),
    "begin alone": repeated(r"\begin"),
    "columns": lambda n: rf"\begin {{array}} {{ {' '.join('c' * n)} }} x \end {{array}}",
    "delimiters": repeated(r"\left ( x \right )"),
    "delimiters alone": repeated(r"\left"),
    "options": repeated(r"\sqrt [ 3 ] { x }"),
    "options left open": repeated(r"\sqrt [ x"),
    "arguments without braces": repeated(r"\frac 1 2"),
    "commands alone": repeated(r"\frac"),
    "infixes": repeated(r"a \over b"),
    "infixes in groups": repeated(r"{ a \over b }"),
    "fonts": repeated(r"\mathrm { x } \rm"),
    "spaces and sizes": repeated(r"\, \big ( \displaystyle _ { a }"),
    "letters of names": repeated("l o g s i n"),
    "unicode signs": repeated("√ ≤ ² α"),
    "roots as signs": repeated("√ 3 +"),
    "full-width signs": repeated("（ ａ ＋"),
    "a program's words": repeated("[object Object] [ o b j e c t"),
    "unknown commands": repeated(r"\foo \bar x"),
    "distinct commands": distinct,
    "one token": repeated("x"),
    "signs": symbols,
    "soup": soup,
    "glued": lambda n: "x^{2}_1" * (n // 7),
    "dollars and comments": lambda n: "$ x % c\n" * (n // 4) + "x",
    "backslashes": lambda n: "\\" * n + "%",
    "marks": repeated("<error_start> x <error_end> <deleted>"),
    "real labels": real,
}


# ---------------------------------------------------------------- what a second string may be


def changed(text: str) -> str:
    """Every tenth token another."""
    return " ".join("q" if i % 10 == 3 else word for i, word in enumerate(text.split()))


def shifted(text: str) -> str:
    """Every hundredth token lost, and the first."""
    return " ".join(word for i, word in enumerate(text.split()) if i % 100)


def shuffled(text: str) -> str:
    """The same tokens in a drawn order."""
    words = text.split()
    random.Random(2).shuffle(words)
    return " ".join(words)


def short(text: str) -> str:
    """Another, short label."""
    return r"a + \frac { 1 } { 2 }"


PARTNERS: dict[str, Callable[[str], str]] = {
    "changed": changed, "shifted": shifted, "shuffled": shuffled, "short": short,
}  # fmt: skip


WITH_EVERY_PARTNER = ("signs", "one token", "distinct commands", "real labels")


# ---------------------------------------------------------------- what is measured


def forget() -> None:
    """Empty what functions remember from call to call."""
    for cached in (marked_errors, corrected_label, written_counts):
        cached.cache_clear()
    graph_of.cache_clear()
    layout.cache_clear()


def parses(label: str) -> bool:
    try:
        parse(label)
    except LabelError:
        return False
    return True


def as_tree_lines(label: str) -> str:
    """A line of a tree's text form a token, though few labels have such a tree."""
    first, *rest = label.split() or ["x"]
    return "\n".join([first, *(f"{word} (right)" for word in rest)])


def deep_tree_lines(label: str) -> str:
    """The same, a hundred levels deep."""
    first, *rest = label.split() or ["x"]
    return "\n".join([first, *("\t" * (i % 100 + 1) + f"{word} (sup)" for i, word in enumerate(rest))])


def from_file(text: str, name: str, read: Callable[[Path], object]) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        return read(path)


def label_file(text: str) -> int:
    content = HeldContent(f"a.png\t{text}\n".encode())
    return len(read_labels("labels.tsv", content, "x/train"))


def label_lines(text: str) -> list[object]:
    lines = "".join(f"{i}.png\t{word}\n" for i, word in enumerate(text.split()))
    table = read_labels("labels.tsv", HeldContent(lines.encode()), "x/train")
    return [table[i] for i in range(len(table))]


def ink(text: str) -> bytes:
    points = ", ".join(f"{i % 997} {i * i % 991}" for i in range(len(text.split())))
    truth = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<ink><annotation type="truth">{truth}</annotation><trace id="0">{points}</trace></ink>'.encode()


def inks(text: str) -> bytes:
    traces = "".join(f'<trace id="{i}">{i % 997} 1, 2 {i % 991}</trace>' for i in range(len(text.split())))
    views = "".join(
        f'<traceGroup><traceView traceDataRef="{i}"/></traceGroup>' for i in range(len(text.split()))
    )
    return f"<ink>{traces}<traceGroup>{views}</traceGroup></ink>".encode()


Run = Callable[[], object]
Runs = (
    Run | list[Run]
)  # of several, the slowest counts: what draws may have luck at one length and none at another


def synthesized(text: str, key: int) -> str:
    return synthesize(text, keyed_random(0, str(key)), shipped_model())


def of_a_label(text: str) -> Iterable[tuple[str, Runs]]:
    """The functions of one string."""
    yield "parse", lambda: parse(text)
    yield "to_label", lambda: to_label(parse(text))
    yield "tree_text", lambda: tree_text(parse(text))
    yield "released_tree_text", lambda: released_tree_text(text)
    yield "parse_tree_text", lambda: parse_tree_text(tree_text(parse(text)))
    yield "parse_tree_text of lines", lambda: parse_tree_text(as_tree_lines(text))
    yield "parse_tree_text of deep lines", lambda: parse_tree_text(deep_tree_lines(text))
    yield "count_text", lambda: count_text(text)
    yield "unknown_commands", lambda: unknown_commands(text)
    for profile in ("plain", "crohme", "mathwriting", "im2latex", "latex"):
        yield f"normalize {profile}", partial(normalize, text, profile)
    yield "repair", lambda: repair(text, parses)
    yield "repair of CROHME 2023", lambda: repair(text, parses, "crohme2023")
    yield "standard_spelling", lambda: canonicalize(text)
    yield "without_groups", lambda: without_groups(text)
    yield "synthesize", [partial(synthesized, text, key) for key in range(DRAWS)]
    yield "synthesize_candidates", [partial(synthesize_candidates, text, seed=key) for key in range(DRAWS)]
    yield "strip_marks", lambda: strip_marks(text)
    yield "label file", lambda: label_file(text)
    yield "label file of many lines", lambda: label_lines(text)


def of_a_pair(text: str, other: str) -> Iterable[tuple[str, Run]]:
    """The functions of two strings."""
    yield "same_on_paper", lambda: visually_equal(text, other)
    yield "looks_the_same", lambda: is_equivalent(text, other)
    yield "mark_errors", lambda: mark_errors(other, text)
    yield "apply_corrections", lambda: apply_corrections(*mark_errors(other, text))
    yield "marks_valid", lambda: marks_valid(mark_errors(other, text)[0], other)
    yield "evaluate", lambda: evaluate([(text, other)], resamples=0)
    yield "box F1", lambda: box_score(text, other)
    yield "mistakes", lambda: mistakes(text, other)
    tree, counts = as_tree_lines(other), count_text(other)
    answers = [
        Prediction("s", "1", text, other, task, raw=f"{work}\n{other}")
        for task, work in (
            ("recognition", ""), ("tree_cot", tree), ("counting", counts),
        )
    ]  # fmt: skip
    yield "vote", lambda: vote(answers)
    yield "errors mine", lambda: mine([Prediction("s", "1", text, other)], Caps())
    yield "errors fit", lambda: add(Measured(), text, other)
    record = f"1\t{text}\t{other}\n".replace("\n", " ").strip() + "\n"
    yield "read predictions", lambda: from_file(record, "p.tsv", lambda path: list(read_predictions(path)))
    columns = {"label": [text], "candidate": [other], "marked": [other]}
    for name, reward in REWARDS.items():
        task = {"tree_valid": "tree_cot", "tree_agrees": "tree_cot", "counts_agree": "counting"}.get(
            name, "error_correction" if name == "markup_valid" else "recognition"
        )
        work = tree if task == "tree_cot" else counts
        yield f"reward {name}", partial(reward, None, [f"{work}\n{other}"], **columns, task=[task])


def of_the_length(text: str) -> Iterable[tuple[str, Run]]:
    """Functions to which only the length matters."""
    yield "InkML of one trace", lambda: parse_ink(ink(text), "x")
    yield "InkML of many traces", lambda: parse_ink(inks(text), "x")
    yield "InkML drawn", lambda: render(parse_ink(ink(text), "x"))
    words = text.split()
    many = [
        Prediction("s", "1", words[0], word, "counting", i, f"{word}: 1\n{word}")
        for i, word in enumerate(words)
    ]
    yield "vote of many answers", lambda: vote(many)
    yield "evaluate many pairs", lambda: evaluate([(word, words[0]) for word in words], resamples=0)


def seconds(run: Runs, least: float = 0.01) -> float:
    """The best time of a few runs."""
    if isinstance(run, list):
        return max(seconds(member, least) for member in run)
    best, spent, runs = float("inf"), 0.0, 0
    gc.disable()  # its pauses depend on all that the process holds
    while runs < 1 or (spent < least and runs < 10):
        forget()
        start = time.process_time()
        with suppress(LabelError, PictureError):
            run()
        took = time.process_time() - start
        best, spent, runs = min(best, took), spent + took, runs + 1
    gc.enable()
    return best


def cases(only: str, kind: str) -> Iterable[tuple[str, str, Callable[[int], Runs]]]:
    """A function's name, the kind of its input, and its call at a length."""

    def at(
        functions: Callable[..., Iterable[tuple[str, Run]]] | Callable[..., Iterable[tuple[str, Runs]]],
        name: str,
        make: Make,
        *partner: Callable[[str], str],
    ) -> Callable[[int], Runs]:
        def call(n: int) -> Runs:
            text = make(n)
            return dict(functions(text, *(make_partner(text) for make_partner in partner)))[name]

        return call

    for kind_name, make in KINDS.items():
        if kind not in kind_name:
            continue
        tiny = make(10)
        for name, _ in of_a_label(tiny):
            if only in name:
                yield name, kind_name, at(of_a_label, name, make)
        for partner_name, partner in PARTNERS.items():
            if partner_name != "changed" and kind_name not in WITH_EVERY_PARTNER:
                continue
            for name, _ in of_a_pair(tiny, partner(tiny)):
                if only in name:
                    yield name, f"{kind_name} / {partner_name}", at(of_a_pair, name, make, partner)
    for make_name in ("one token", "distinct commands"):
        if kind in make_name:
            for name, _ in of_the_length("x y"):
                if only in name:
                    yield name, make_name, at(of_the_length, name, KINDS[make_name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--most", type=int, default=100_000, help="tokens of the longest input")
    parser.add_argument("--only", default="", help="functions whose name holds this")
    parser.add_argument("--kind", default="", help="kinds of input whose name holds this")
    parser.add_argument("--all", action="store_true", help="print every line, not only those over the bar")
    options = parser.parse_args()
    gc.collect()
    gc.freeze()
    worst: dict[str, tuple[float, str]] = {}
    over = compared = 0
    for name, kind, call in cases(options.only, options.kind):
        if name not in worst:
            seconds(call(10), least=0.0)  # tables and modules that a first call loads are not timed
        n, before, line = FIRST, 0.0, []
        ratios = []
        while n <= options.most:
            took = seconds(call(n))
            line.append(f"{took * 1e3:,.1f}")
            if before >= SHORTEST:
                ratios.append(took / before)
            if took > LONGEST:
                line.append("(no longer one is tried)")
                break
            before, n = took, 10 * n
        ratio = max(ratios, default=0.0)
        compared += len(ratios)
        over += sum(ratio > BAR for ratio in ratios)
        if (ratio, kind) > worst.get(name, (-1.0, "")):
            worst[name] = ratio, kind
        if options.all or ratio > BAR:
            print(
                f"{'OVER ' if ratio > BAR else ''}{name}, {kind}: ×{ratio:.1f} ({', '.join(line)} ms)",
                flush=True,
            )
    print(f"\n{'function':32} {'largest time(10 n) / time(n)':>28}   on")
    for name, (ratio, kind) in sorted(worst.items(), key=lambda item: -item[1][0]):
        print(f"{name:32} {ratio:28.1f}   {kind}")
    print(f"{compared:,} ratios compared, {over:,} over {BAR:g}")


if __name__ == "__main__":
    main()
