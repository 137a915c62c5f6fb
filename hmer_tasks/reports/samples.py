"""One sample of a build as the page's script takes it: texts as texts, drawings as SVG."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hmer_tasks.errors.markup import DELETED, ERROR_END, ERROR_START, mark_errors
from hmer_tasks.evaluation.confusions import mistakes
from hmer_tasks.evaluation.groups import constructs, length
from hmer_tasks.evaluation.trees import graph_of
from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.counts import count_symbols
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree_svg import tree_svg
from hmer_tasks.latex.tree_text import tree_text
from hmer_tasks.reports.mathml import mathml
from hmer_tasks.reports.page_pictures import data_address
from hmer_tasks.reports.scan import Record, SamplePlace, depth_of

CORRECTION = "error_correction"
NO_MISTAKE, CANDIDATE_NOT_TEX, ALIKE = "no mistake", "candidate is not TeX", "looks the same"


@dataclass(slots=True)
class Drawn:
    """What the samples of a page share: texts that repeat, counts for the
    plots, and the entries of the index that the filters look at."""

    texts: dict[str, int] = field(default_factory=dict)
    index: list[dict[str, object]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    constructs: Counter[str] = field(default_factory=Counter)
    not_drawn: int = 0

    def text(self, text: str) -> int:
        """The number of a text that many samples have."""
        return self.texts.setdefault(text, len(self.texts))


@dataclass(frozen=True, slots=True)
class _Candidate:
    text: str
    marked: str
    log: str
    kinds: Counter[str]


def sample_data(place: SamplePlace, records: list[Record], drawn: Drawn) -> dict[str, object]:
    """A sample's part of the page, and its entry in the index."""
    first = records[0]
    label, gt = str(first["label"]), str(first["gt"])
    candidates = list(_candidates(records, label))
    names = list(constructs(label))
    kinds = sorted({kind for candidate in candidates for kind in candidate.kinds})
    for candidate in candidates:
        drawn.kinds.update(candidate.kinds)
        drawn.operations.update(line.partition(":")[0] for line in _lines(candidate.log))
    drawn.constructs.update(names)
    drawn.index.append(
        {
            "id": str(first["id"]),
            "source": str(first["source"]),
            "split": place.split,
            "tasks": list(dict.fromkeys(str(record["task"]) for record in records)),
            "tokens": len(label.split()),
            "depth": depth_of(label),
            "length": length(label)[0],
            "constructs": names,
            "kinds": kinds,
            "label": label,
            "candidates": [candidate.text for candidate in candidates],
        }
    )
    picture, about = _picture(first)
    svg, why = _formula(label, drawn)
    tree, outline = _tree(label)
    return {
        "picture": picture,
        "about": about,
        "formula": svg,
        "why": why,
        "gt": "" if gt == label else gt,
        "tree": tree,
        "outline": outline,
        "counts": list(count_symbols(label).items()),
        "candidates": [
            {
                "marked": list(_segments(candidate.marked)),
                "log": [_operation(line) for line in _lines(candidate.log)],
                "kinds": ", ".join(f"{count} {kind}" for kind, count in candidate.kinds.items()),
            }
            for candidate in candidates
        ],
        "rows": [_row(record, label, drawn) for record in records],
    }


def _picture(record: Record) -> tuple[str | None, str]:
    images = record["images"]
    data = images[0]["bytes"] if isinstance(images, list) and images and images[0] else None
    if not isinstance(data, bytes):
        return None, "the row holds no picture"
    address = data_address(data)
    return address, f"{len(data):,} bytes" if address else "this picture cannot be read"


def _formula(label: str, drawn: Drawn) -> tuple[str, str]:
    """The label in print; where it cannot be drawn, why."""
    markup = mathml(label)
    if markup is None:
        drawn.not_drawn += 1
        return "", "too long or too strange to draw"
    return str(markup), ""


def _tree(label: str) -> tuple[str, str]:
    """The label's tree drawn, or as text where it is too large to be drawn; neither where it has none."""
    try:
        tree = parse(label)
    except LabelError as error:
        return "", f"no tree: {error}"
    svg = tree_svg(tree.line)
    return ("", tree_text(tree)) if svg is None else (str(svg), "")


def _candidates(records: list[Record], label: str) -> Iterator[_Candidate]:
    """The wrong candidates, each once; the log is the correction row's, or made anew if there is none."""
    logs: dict[str, str] = {}
    for record in records:
        if record["candidate"] is None:
            continue
        candidate = str(record["candidate"])
        logs.setdefault(candidate, "")
        if record["task"] == CORRECTION:
            logs[candidate] = content(record["completion"]).rpartition("\n")[0]
    marks = {str(r["candidate"]): str(r["marked"] or "") for r in records if r["candidate"] is not None}
    for candidate, log in logs.items():
        yield _Candidate(candidate, marks[candidate], log or _log(candidate, label), _kinds(label, candidate))


def _log(candidate: str, label: str) -> str:
    try:
        return mark_errors(candidate, label)[1]
    except LabelError:
        return ""


def _kinds(label: str, candidate: str) -> Counter[str]:
    kinds = Counter(str(mistake.kind) for mistake in mistakes(label, candidate))
    if kinds:
        return kinds
    if candidate.split() == label.split():
        return Counter([NO_MISTAKE])
    return Counter([ALIKE if graph_of(candidate) is not None else CANDIDATE_NOT_TEX])


def _lines(log: str) -> list[str]:
    return log.split("\n") if log else []


def _operation(line: str) -> tuple[str, str]:
    name, _, rest = line.partition(":")
    return name, rest


def _segments(marked: str) -> Iterator[tuple[str, str]]:
    """A marked expression in pieces: ("", right tokens), ("bad", wrong ones), ("gap", "")."""
    kind, held = "", list[str]()
    for token in marked.split():
        if token not in (ERROR_START, ERROR_END, DELETED):
            held.append(token)
            continue
        if held:
            yield kind, " ".join(held)
        kind, held = "bad" if token == ERROR_START else "", []
        if token == DELETED:
            yield "gap", ""
    if held:
        yield kind, " ".join(held)


def content(messages: object) -> str:
    """The text of a row's one turn."""
    if isinstance(messages, list) and messages and messages[0]:
        return str(messages[0]["content"])
    return ""


def _around(prompt: str, own: str) -> tuple[str, str, str]:
    """A prompt cut at the expression that it shows, which stands at the end of a line, or between blanks."""
    if not own:
        return prompt, "", ""
    for end in (r"(?=\n|$)", r"(?!\S)"):
        if places := list(re.finditer(rf"(?<!\S){re.escape(own)}{end}", prompt)):
            return prompt[: places[-1].start()], own, prompt[places[-1].end() :]
    return prompt.rpartition(own)


def _row(record: Record, label: str, drawn: Drawn) -> tuple[str, int, str, int, str, bool]:
    """Task; the prompt as the number of a text, a text of its own, the number of a text; the answer, and
    whether the label ends it and is left out."""
    prompt, answer = content(record["prompt"]), content(record["completion"])
    own = str(record["marked" if record["task"] == CORRECTION else "candidate"] or "")
    before, own, after = _around(prompt, own)
    ends = answer == label or answer.endswith("\n" + label)
    answer = answer[: len(answer) - len(label)] if ends else answer
    return str(record["task"]), drawn.text(before), own, drawn.text(after), answer, ends
