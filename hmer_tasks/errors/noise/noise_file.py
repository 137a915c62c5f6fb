"""The noise file: compact TOML, its provenance first, then a line for each thing that is misread."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hmer_tasks.errors.noise.patterns import pattern, start_of
from hmer_tasks.errors.token_classes import SORTS, START
from hmer_tasks.exceptions import NoiseError
from hmer_tasks.latex.tables import tables
from hmer_tasks.utils.bounded_reading import read_toml

_HEADER = """\
# How recognisers misread, measured by `hmer-tasks errors fit`; hmer_tasks/errors/ reads it.
#
# A line of [patterns] says what of a label is misread: `rate` how readily, among all that a label could
# suffer, `as` what is read in its stead and how often that was seen. `…` is what stays as it is. Where the
# right begins as the left does, something is added after it; `<start>` is the beginning of a label.
# [sorts] are the rates of symbols never measured, by sort. [context] says how much likelier than the average
# a mistake is where that stands around it. [number]: mistakes in a misread expression, 1, 2, … times seen,
# and as how many are drawn for that to come out.
# [shape]: the share of candidates that do not parse; of mistakes after the first, the share that repeats one;
# how many tokens added braces took in (1, 2, …); the share of mistakes too long for a pattern, and those as
# tokens lost, tokens read, times seen.
"""


_MOST = 10**9  # a count or a rate; none comes near
_MOST_GAPS = 10**6  # all gaps' counts together: each is kept


@dataclass(frozen=True, slots=True)
class Misread:
    """What is made of one thing: how readily, and what was read how often."""

    rate: float
    read_as: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class NoiseFile:
    """What a noise file holds."""

    number: list[int]
    broken: float
    repeated: float
    gaps: list[int]
    run_share: float
    runs: list[tuple[int, int, int]]
    sorts: dict[str, float]
    context: dict[str, float]
    patterns: dict[str, Misread]
    drawn: list[float] = field(default_factory=list)  # weights for `number`; none: as it was seen


def read_noise(path: Path) -> NoiseFile:
    """A noise file. Raises NoiseError."""
    try:
        data = read_toml(path)
    except OSError as error:
        raise NoiseError(f"cannot read the noise file {path}: {error.strerror}") from error
    except ValueError as error:
        raise NoiseError(f"the noise file {path} is not TOML: {error}") from error
    return check_noise(data, str(path))


def check_noise(data: Mapping[str, object], where: str) -> NoiseFile:
    """A noise file's data. Raises NoiseError where they are none."""
    try:
        number, shape, sorts, context, patterns = (
            _table(data, name) for name in ("number", "shape", "sorts", "context", "patterns")
        )
        noise = NoiseFile(
            number=[_count(count) for count in _list(number["counts"])],
            broken=_number(shape["broken"]),
            repeated=_number(shape["repeated"]),
            gaps=[_count(count) for count in _list(shape["gaps"])],
            run_share=_number(shape["run_share"]),
            runs=[_run(run) for run in _list(shape["runs"])],
            sorts={sort: _number(rate) or 1 / _MOST for sort, rate in sorts.items()},
            context={feature: _number(weight) for feature, weight in context.items()},
            patterns={
                old: misread
                for old, entry in patterns.items()
                if (misread := _misread(old, entry)).rate  # what never happens is no pattern
            },
            drawn=[_number(weight) for weight in _list(number.get("drawn", []))],
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise NoiseError(f"{where} is no noise file: {what}") from error
    if noise.drawn and (len(noise.drawn) != len(noise.number) or not any(noise.drawn)):
        raise NoiseError(f"{where} is no noise file: `drawn` must weigh each of `counts`")
    if unknown := sorted(noise.sorts.keys() - set(SORTS)):
        raise NoiseError(f"{where} is no noise file: there is no sort {unknown[0]!r} of symbols")
    lone = (
        old
        for old, misread_entry in noise.patterns.items()
        if misread_entry.read_as and len(start_of(old).split()) == 1
    )
    if next(lone, None) is None or not any(noise.number):  # symbols never measured are misread as others are
        raise NoiseError(f"{where} holds no mistake that begins with one symbol")
    if sum(noise.gaps) > _MOST_GAPS or (noise.runs and not any(count for _, _, count in noise.runs)):
        raise NoiseError(f"{where} is no noise file: `gaps` of over {_MOST_GAPS:,}, or `runs` never seen")
    return noise


def _table(data: Mapping[str, object], name: str) -> dict[str, object]:
    table = data[name]
    if not isinstance(table, dict):
        raise TypeError(f"[{name}] must be a table")
    return table


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} must be a list")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise TypeError(f"{value!r} must be a count, at most {_MOST:,}")
    return value


def _run(value: object) -> tuple[int, int, int]:
    old, new, count = map(_count, _list(value))
    return old, new, count


def _number(value: object) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value <= _MOST  # false for nan as well
    ):
        raise TypeError(f"{value!r} must be a number, at most {_MOST:,}")
    return float(value) if value * _MOST >= 1 else 0.0  # smaller ones come to nothing once multiplied


def _misread(old: str, entry: object) -> Misread:
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r} must be a table")
    read_as = {new: _count(count) for new, count in _table(entry, "as").items() if count != 0}
    for new in read_as:
        _check_pattern(old, new)
    return Misread(_number(entry["rate"]), read_as)


def _check_pattern(old: str, new: str) -> None:
    parsed = pattern(old, new)
    starts = parsed.old[0][:1] == (START,)
    if not parsed.old[0] or len(parsed.old) != len(parsed.new) or starts != (parsed.new[0][:1] == (START,)):
        raise ValueError(f"{new!r} cannot be read for {old!r}: both need the same … and {START}")
    tokens = [token for side in (parsed.old, parsed.new) for piece in side for token in piece]
    if len(tables().reserved.intersection(tokens)) > starts or tokens.count(START) > 2 * starts:
        raise ValueError(f"{new!r} for {old!r} holds a mark of the error tasks")


def noise_text(noise: NoiseFile, provenance: Mapping[str, str | int | list[str]]) -> str:
    """A noise file's text."""
    lines = [_HEADER, "[provenance]"]
    for name, value in provenance.items():
        if isinstance(value, list):
            lines += [f"{name} = [", *(f"  {_quoted(item)}," for item in value), "]"]
        else:
            lines.append(f"{name} = {_quoted(value) if isinstance(value, str) else value}")
    lines += ["", "[number]", f"counts = {noise.number}"]
    lines += [f"drawn = {[round(weight, 2) for weight in noise.drawn]}"] if noise.drawn else []
    lines += ["", "[shape]", f"broken = {noise.broken:.3g}", f"repeated = {noise.repeated:.3g}"]
    lines += [f"gaps = {noise.gaps}"]
    lines += [f"run_share = {noise.run_share:.3g}", f"runs = {[list(run) for run in noise.runs]}"]
    lines += ["", "[sorts]", *(f"{sort} = {rate:.3g}" for sort, rate in sorted(noise.sorts.items()))]
    lines += ["", "[context]"]
    lines += [f"{_quoted(feature)} = {weight:.2f}" for feature, weight in sorted(noise.context.items())]
    lines += ["", "[patterns]"]
    for old, entry in sorted(noise.patterns.items(), key=lambda x: (-sum(x[1].read_as.values()), x[0])):
        read_as = sorted(entry.read_as.items(), key=lambda x: (-x[1], x[0]))
        inner = ", ".join(f"{_quoted(new)} = {count}" for new, count in read_as)
        lines.append(f"{_quoted(old)} = {{ rate = {entry.rate:.3g}, as = {{{inner}}} }}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
