"""What a corpus's licence means for whoever publishes rows made of it.

The identifiers are those of the Hub's card metadata (https://huggingface.co/docs/hub/repositories-licenses).
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """`hub_id`: the licence as the Hub's cards name it. `note`: what a publisher must know, one line;
    empty where nothing stands in the way. `ask`: whether to ask first."""

    hub_id: str
    note: str = ""
    ask: bool = False


_OWN = ("yours", "the user's", "the project's", "apache-2.0")
_CC = re.compile(r"CC (BY(?:-NC)?(?:-SA|-ND)?) (\d\.\d)", re.IGNORECASE)


_SEVERAL = "several, each for its rows: "


def licence_of_all(licences: list[tuple[str, str]]) -> str:
    """The licence line of several corpora, given as (name, licence) pairs."""
    if len({licence for _, licence in licences}) == 1:
        return licences[0][1]
    return _SEVERAL + " | ".join(f"{name}: {licence}" for name, licence in licences)


def _of_several(licence: str) -> Terms:
    """The terms of several corpora together: what one of them asks for, all do."""
    parts = [part.partition(": ") for part in licence.removeprefix(_SEVERAL).split(" | ")]
    each_terms = [(name, terms(own)) for name, _, own in parts]
    note = "; ".join(f"{name}: {own.note}" for name, own in each_terms if own.note)
    return Terms("other", note, any(own.ask for _, own in each_terms))


def terms(licence: str) -> Terms:
    """The terms of a corpus's `licence` line. One that is not known may not be published unasked."""
    if licence.startswith(_SEVERAL):
        return _of_several(licence)
    match = _CC.search(licence)
    if match:
        kind, version = match.group(1).upper(), match.group(2)
        conditions = ["name its owners"]
        conditions += ["no commercial use"] * ("NC" in kind)
        conditions += ["under the same licence"] * ("SA" in kind)
        if "ND" in kind:
            return Terms(
                f"cc-{kind.lower()}-{version}",
                f"CC {kind} {version} forbids publishing what is derived",
                True,
            )
        note = f"CC {kind} {version} lets you publish it on conditions: {', '.join(conditions)}"
        return Terms(f"cc-{kind.lower()}-{version}", note, kind != "BY")
    if licence.lower().startswith(_OWN):
        if ";" in licence:  # what synthetic handwriting was made after
            return Terms("other", licence)
        return Terms("apache-2.0" if "apache" in licence.lower() else "other")
    return Terms(
        "other", f"its licence ({licence}) does not let you hand it on without its owners' leave", True
    )
