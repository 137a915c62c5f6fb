"""`hmer-tasks audit`: two sides read, compared, and what was found of them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hmer_tasks.audit.findings import (
    Finding,
    Kind,
    Pictures,
    Shared,
    by,
    near,
    repeated_pictures,
    same_pictures,
    shared,
)
from hmer_tasks.audit.near import LARGEST
from hmer_tasks.audit.sides import Item, Side, SideOptions, read_sides
from hmer_tasks.audit.style import Style, join, only_in, style_of
from hmer_tasks.exceptions import UsageError
from hmer_tasks.utils.files import atomic_write
from hmer_tasks.utils.processes import raise_on_signal
from hmer_tasks.utils.progress import progress_of


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """The arguments of `hmer-tasks audit`. `distance`: tokens apart that count as near, 0 to 2."""

    side: SideOptions
    against: SideOptions | None = None
    distance: int = 1
    pictures: bool = True
    workers: int = 0


@dataclass(slots=True)
class Audit:
    """What was found. `leaks`: what both sides have, by what is compared; the lists below have one
    entry a side: labels that repeat (`left`: samples after the first), near labels, pictures that
    repeat, tokens that the other side has not with the samples that hold each, and with any."""

    sides: list[Side]
    distance: int
    leaks: dict[str, Shared] = field(default_factory=dict)
    pictures: Pictures | None = None
    repeats: list[Shared] = field(default_factory=list)
    near_within: list[Shared] = field(default_factory=list)
    pictures_within: list[Pictures | None] = field(default_factory=list)
    only: list[Counter[str]] = field(default_factory=list)
    samples_with_only: list[int] = field(default_factory=list)
    style: Style = field(default_factory=Style)
    findings: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Everything but the findings one by one, which are counted by kind."""
        sides = [
            {
                "name": side.name,
                "samples": side.samples,
                "accepted": len(side.items),
                "refused": dict(side.refused),
                "distinct_labels": len({item.label for item in side.items}),
                "pictures": side.pictures,
                "without_picture": dict(side.without_picture),
            }
            for side in self.sides
        ]
        return {
            "sides": sides,
            "near_distance": self.distance,
            "both_sides": {name: asdict(leak) for name, leak in self.leaks.items()},
            "same_picture": None if self.pictures is None else asdict(self.pictures),
            "repeated_labels": [asdict(repeat) for repeat in self.repeats],
            "near_labels_within": [asdict(labels) for labels in self.near_within],
            "repeated_pictures": [
                None if pictures is None else asdict(pictures) for pictures in self.pictures_within
            ],
            "tokens_of_one_side_only": [dict(tokens.most_common()) for tokens in self.only],
            "samples_with_those": self.samples_with_only,
            "style": self.style.as_json(),
            "findings": dict(Counter(str(finding.kind) for finding in self.findings)),
        }


def audit(options: AuditOptions) -> Audit:
    """Audit one side, or two against each other.

    Raises UsageError, CorpusError, BuildError, Stopped.
    """
    if not 0 <= options.distance <= LARGEST:
        raise UsageError(f"--near must be 0, 1 or 2 tokens, not {options.distance}")
    asked = [options.side] if options.against is None else [options.side, options.against]
    for side in asked:
        if side.dataset is None and not side.labels:
            raise UsageError(
                "name a corpus (--dataset, --against) or label files (--labels, --against-labels)"
            )
    with raise_on_signal(kept=False):
        result = Audit(read_sides(asked, options.pictures, options.workers), options.distance)
        items = [side.items for side in result.sides]
        if len(items) > 1:
            _across(result, items[0], items[1])
        _within(result, items)
        _pictures(result, items)
        _style(result, items)
    return result


def _across(result: Audit, left: list[Item], right: list[Item]) -> None:
    theirs = {item.label for item in right}
    findings = result.findings
    result.leaks["as written"] = shared(left, right, lambda item: item.written, Kind.SAME_LABEL, [])
    result.leaks["explicit form"] = shared(left, right, lambda item: item.label, Kind.SAME_LABEL, findings)
    result.leaks["standard spelling"] = shared(
        left,
        right,
        lambda item: item.spelled,
        Kind.SAME_SPELLING,
        findings,
        skip=lambda item: item.label in theirs,
    )
    if result.distance:
        result.leaks["near"] = near(left, right, result.distance, findings)
    for own, other in ((left, right), (right, left)):
        tokens, samples = only_in([item.label for item in own], {item.label for item in other})
        result.only.append(tokens)
        result.samples_with_only.append(samples)


def _within(result: Audit, sides: Sequence[list[Item]]) -> None:
    for number, items in enumerate(sides):
        groups = [indices for indices in by(items, lambda item: item.spelled).values() if len(indices) > 1]
        repeats = sum(len(indices) - 1 for indices in groups)
        result.repeats.append(Shared(repeats, repeats, len(groups)))
        if number == 0:
            for indices in groups:
                first = items[indices[0]]
                for item in (items[index] for index in indices[1:]):
                    result.findings.append(Finding(item.source, item.id, Kind.DUPLICATE_LABEL, (first.id,)))
        if result.distance:
            result.near_within.append(near(items, None, result.distance, []))


def _pictures(result: Audit, sides: Sequence[list[Item]]) -> None:
    seen = [side.pictures > 0 for side in result.sides]
    for number, items in enumerate(sides):
        if not seen[number]:
            result.pictures_within.append(None)
            continue
        with progress_of(len(items), f"pictures compared within {result.sides[number].name}") as show:
            findings = result.findings if number == 0 else []
            result.pictures_within.append(repeated_pictures(items, findings, show))
    if len(sides) > 1 and all(seen):
        with progress_of(len(sides[0]), "pictures compared across") as show:
            a, b = (items + side.unlabelled for items, side in zip(sides, result.sides, strict=True))
            result.pictures = same_pictures(a, b, result.findings, show)


def _style(result: Audit, sides: Sequence[list[Item]]) -> None:
    spellings = [{item.label: item.spelled for item in items} for items in sides]
    with progress_of(len(sides), "sides looked at for spelling") as show:
        for number, items in enumerate(sides):
            rewritten, already = style_of(Counter(item.label for item in items), spellings[number])
            result.style.rewritten.append(rewritten)
            result.style.standard_form.append(already)
            show(number + 1)
    if len(sides) > 1:
        join(spellings[0], spellings[1], result.style)


def write_findings(result: Audit, path: Path, kinds: Sequence[Kind]) -> int:
    """Write the samples for `build --exclude`, one a line.

    Args:
        result: The audit.
        path: Where to; its folder is made.
        kinds: What is written. A sample stands there once, by the first of these kinds that was found of it.

    Returns:
        How many samples were written.

    Raises:
        OSError: The file cannot be written.
    """
    first: dict[tuple[str, str], Finding] = {}
    for kind in kinds:
        for finding in result.findings:
            if finding.kind is kind:
                first.setdefault((finding.source, finding.id), finding)
    own = result.sides[0]
    order = {(item.source, item.id): n for n, item in enumerate([*own.items, *own.unlabelled])}
    lines = sorted(first.values(), key=lambda finding: order[finding.source, finding.id])
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(json.dumps(line.as_json(), ensure_ascii=False) + "\n" for line in lines))
    return len(lines)


def kinds_named(text: str) -> tuple[Kind, ...]:
    """The kinds that `--drop` names. Raises UsageError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in list(Kind):
            raise UsageError(f"--drop: no finding is called {name!r}; there are {', '.join(Kind)}")
    if not names:
        raise UsageError(f"--drop names nothing; there are {', '.join(Kind)}")
    return tuple(Kind(name) for name in names)
