"""An audit as tables for a person."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hmer_tasks.audit.audit import Audit
from hmer_tasks.audit.findings import PICTURE_BITS, Pictures
from hmer_tasks.audit.near import PER_TOKEN
from hmer_tasks.audit.phash import BITS

_TOKENS_SHOWN = 40
_ENTRIES_SHOWN = 25


def print_audit(console: Console, result: Audit) -> None:
    """All tables of an audit."""
    _sides(console, result)
    if len(result.sides) > 1:
        _leaks(console, result)
        _vocabulary(console, result)
    _within(console, result)
    _style(console, result)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _sides(console: Console, result: Audit) -> None:
    table = _table("What was read", "", *(side.name for side in result.sides))
    rows = {
        "samples": [f"{side.samples:,}" for side in result.sides],
        "refused": [_counts(side.refused) for side in result.sides],
        "distinct labels": [f"{len({item.label for item in side.items}):,}" for side in result.sides],
        "in one spelling": [f"{len({item.spelled for item in side.items}):,}" for side in result.sides],
        "pictures": [f"{side.pictures:,}" for side in result.sides],
        "not readable": [_counts(side.without_picture) for side in result.sides],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    console.print(table)


def _counts(counter: dict[str, int]) -> str:
    return "\n".join(f"{count:,} {name}" for name, count in counter.items()) or "0"


def _leaks(console: Console, result: Audit) -> None:
    left, right = result.sides
    table = _table("On both sides", "the same", f"samples of {left.name}", f"of {right.name}", "distinct")
    names = {
        "as written": "label, as written",
        "explicit form": "label, explicit form",
        "standard spelling": "label, in one spelling (--normalize)",
        "near": f"label but for {result.distance} of at least {PER_TOKEN * result.distance} tokens"
        if result.distance == 1
        else f"label but for 1 or 2 tokens, {PER_TOKEN} or more tokens for each",
    }
    for key, leak in result.leaks.items():
        table.add_row(
            names[key],
            _share(leak.left, len(left.items)),
            _share(leak.right, len(right.items)),
            f"{leak.distinct:,}" + (" pairs" if key == "near" else ""),
        )
    if result.pictures is not None:
        same = result.pictures
        table.add_row(
            f"picture (at most {PICTURE_BITS} of {BITS} bits differ)",
            _share(same.left, len(left.items) + len(left.unlabelled)),
            _share(same.right, len(right.items) + len(right.unlabelled)),
            "",
        )
        table.add_row("  … pixel for pixel", f"{same.pixels:,}", "", "")
        table.add_row("  … with another label", f"{same.conflicts:,}", "", "")
    console.print(table)


def _share(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.2f} %)" if total else f"{count:,}"


def _vocabulary(console: Console, result: Audit) -> None:
    sides = zip(result.sides, result.only, result.samples_with_only, strict=True)
    for number, (side, tokens, samples) in enumerate(sides):
        other = result.sides[1 - number].name
        if not tokens:
            console.print(f"Every token of {side.name} stands in {other} too.\n")
            continue
        shown = [f"{token} {count:,}" for token, count in tokens.most_common(_TOKENS_SHOWN)]
        more = f", and {len(tokens) - len(shown):,} more" if len(tokens) > len(shown) else ""
        share = _share(samples, len(side.items))
        text = f"Tokens of {side.name} that {other} has not: {len(tokens):,}, in {share} of its samples: "
        console.print(f"{text}{', '.join(shown)}{more}\n")


def _within(console: Console, result: Audit) -> None:
    table = _table("Within a side", "", *(side.name for side in result.sides))
    table.add_row("samples whose label occurs earlier", *(f"{repeat.left:,}" for repeat in result.repeats))
    if result.near_within:
        table.add_row(
            "pairs of near labels", *(f"{near_labels.distinct:,}" for near_labels in result.near_within)
        )
    if any(result.pictures_within):
        for name, key in (
            ("samples whose picture occurs earlier", "left"),
            ("  … pixel for pixel", "pixels"),
        ):
            table.add_row(name, *(_picture(pictures, key) for pictures in result.pictures_within))
        row = (_picture(pictures, "conflicts") for pictures in result.pictures_within)
        table.add_row("samples that share a picture and not a label", *row)
    console.print(table)


def _picture(pictures: Pictures | None, key: str) -> str:
    return "no pictures" if pictures is None else f"{getattr(pictures, key):,}"


def _style(console: Console, result: Audit) -> None:
    style = result.style
    total: dict[str, int] = {}
    for counter in style.rewritten:
        for name, count in counter.items():
            total[name] = total.get(name, 0) + count
    if not total and not style.needed:
        console.print("The standard spelling changes no label.")
        return
    both = len(result.sides) > 1
    names = [side.name for side in result.sides]
    columns = ["entry of grammar/spellings.toml", *names, *(["needed to join"] if both else [])]
    table = _table("Samples that the standard spelling rewrites (already in the other form)", *columns)
    order = sorted(total, key=lambda name: (-style.needed[name], -total[name], name))
    for name in order[:_ENTRIES_SHOWN]:
        cells = []
        for rewritten, already in zip(style.rewritten, style.standard_form, strict=True):
            other = f" ({already[name]:,})" if name in already or "→" in name else ""
            cells.append(f"{rewritten[name]:,}{other}")
        table.add_row(name, *cells, *([f"{style.needed[name]:,}"] if both else []))
    if len(order) > _ENTRIES_SHOWN:
        table.add_row(f"and {len(order) - _ENTRIES_SHOWN} more", *["" for _ in table.columns[1:]])
    console.print(table)
    if both:
        before, after = result.leaks["explicit form"], result.leaks["standard spelling"]
        of = (
            ""
            if style.looked_into == style.joined
            else f" (an even choice of {style.looked_into:,} looked into)"
        )
        console.print(
            f"Labels of {names[1]} that only --normalize makes stand in {names[0]}: "
            f"{style.joined:,}{of}; {before.right:,} of its samples before, {after.right:,} after."
        )
