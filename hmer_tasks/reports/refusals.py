"""The refused samples of a build, as rejects.jsonl names them: reason, place, and the token at fault."""

import heapq
import json
from collections.abc import Iterator

from hmer_tasks.exceptions import BuildError, LabelError
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.reports.scan import rank
from hmer_tasks.shards.manifest import damage_of
from hmer_tasks.storage.store import Store
from hmer_tasks.utils.grammar_files import read_toml

FILE = "rejects.jsonl"
_FIELDS = ("id", "source", "reason", "where", "label")
_LONGEST = 4_000  # characters of a label on the page


def refusals(store: Store, limit: int) -> list[dict[str, object]]:
    """`limit` of the refused samples in the file's order, chosen as the samples are.

    Raises BuildError where rejects.jsonl is not what a build writes.
    """
    smallest = heapq.nsmallest(limit, _read(store), key=lambda entry: entry[:2])
    return [_shown(fields) for _, _, fields in sorted(smallest, key=lambda entry: entry[1])]


def _read(store: Store) -> Iterator[tuple[bytes, int, dict[str, str]]]:
    try:
        for number, line in enumerate(store.read(FILE).split("\n"), start=1):
            if line:
                read = json.loads(line)
                fields = {name: str(read[name]) for name in _FIELDS}
                yield rank(fields["source"], fields["id"]), number, fields
    except FileNotFoundError:
        raise BuildError(f"{store}/{FILE} is missing: build anew with --overwrite") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"{store}/{FILE} is damaged ({damage_of(error)})"
        raise BuildError(f"{what}: build anew with --overwrite") from error


def _shown(fields: dict[str, str]) -> dict[str, object]:
    label = fields["label"]
    more = len(label) - _LONGEST
    return {
        **fields,
        "label": label if more <= 0 else f"{label[:_LONGEST]} … and {more:,} more characters",
        "place": _place(label, fields),
    }


def _place(label: str, fields: dict[str, str]) -> list[str] | None:
    """The tokens before, at and after the place of refusal; None unless reading the label again, as it
    is or by one of the profiles for raw LaTeX, stumbles at just that place for just that reason."""
    if len(label) > _LONGEST or not fields["where"].startswith("token "):
        return None
    for profile in (None, *read_toml("profiles.toml")):
        try:
            parse(label if profile is None else normalize(label, profile))
        except LabelError as error:
            detail = f"token {error.position}" + (f": {error.detail}" if error.detail else "")
            if error.reason == fields["reason"] and detail == fields["where"] and error.tokens:
                tokens, at = error.tokens, error.position
                return [" ".join(tokens[:at]), "".join(tokens[at : at + 1]), " ".join(tokens[at + 1 :])]
    return None
