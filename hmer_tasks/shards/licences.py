"""What a corpus's licence means for whoever publishes rows made of it, or a model trained on them.

The identifiers are those of the Hub's card metadata (https://huggingface.co/docs/hub/repositories-licenses).
The sentences sum up what the licences say; they are no legal advice.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a licence.

    `hub_id`: the licence as the Hub's cards name it. `note`: what a publisher must know, one line; empty
    where nothing stands in the way. `ask`: whether to ask first. `rows`, `models`: what may be done with rows
    made of the corpus, and with a model trained on them; a sentence or two each.
    """

    hub_id: str
    note: str = ""
    ask: bool = False
    rows: str = ""
    models: str = ""


# Holds for every corpus; the example is the smallest model of the published recipe.
BASE_MODELS = (
    "A trained model is also under the licence of the model it was trained from, and some base models are "
    "for research only (Qwen2.5-VL-3B-Instruct, under the Qwen Research License; the 7B is Apache-2.0)."
)
_OWN = ("yours", "the user's", "the project's", "apache-2.0")
_CC = re.compile(r"CC (BY(?:-NC)?(?:-SA|-ND)?) (\d\.\d)", re.IGNORECASE)
_MODEL_CONDITIONS = {
    "BY": "name the corpus and its owners with the model.",
    "NC": (
        "train and use it for no commercial purpose, and name the corpus; whether the condition binds a "
        "trained model is not settled, so ask the owners before you sell one."
    ),
    "SA": "Whether it must be shared under the same licence is not settled either; to do so is safe.",
}


_SEVERAL = "several, each for its rows: "


def licence_of_all(licences: list[tuple[str, str]]) -> str:
    """The licence line of several corpora, given as (name, licence) pairs."""
    if len({licence for _, licence in licences}) == 1:
        return licences[0][1]
    return _SEVERAL + " | ".join(f"{name}: {licence}" for name, licence in licences)


def _of_several(licence: str) -> Terms:
    """The terms of several corpora together: what one of them asks for, all do."""
    parts = [part.partition(": ") for part in licence.removeprefix(_SEVERAL).split(" | ")]
    of_each = [(name, terms(own)) for name, _, own in parts]
    return Terms(
        "other",
        note="; ".join(f"{name}: {own.note}" for name, own in of_each if own.note),
        ask=any(own.ask for _, own in of_each),
        rows=" ".join(f"{name}: {own.rows}" for name, own in of_each),
        models=" ".join(f"{name}: {own.models}" for name, own in of_each),
    )


def terms(licence: str) -> Terms:
    """The terms of a corpus's `licence` line. One that is not known may not be published unasked."""
    if licence.startswith(_SEVERAL):
        return _of_several(licence)
    named = _CC.search(licence)
    if named:
        kind, version = named.group(1).upper(), named.group(2)
        conditions = ["name its owners"]
        conditions += ["no commercial use"] * ("NC" in kind)
        conditions += ["under the same licence"] * ("SA" in kind)
        parts = [part for part in ("NC", "SA") if part in kind] or ["BY"]
        models = " ".join(_MODEL_CONDITIONS[part] for part in (parts if parts[0] != "SA" else ["BY", "SA"]))
        if "ND" in kind:
            return Terms(
                f"cc-{kind.lower()}-{version}",
                f"CC {kind} {version} forbids publishing what is derived",
                True,
                "use them yourself; do not publish them: they are derived from the corpus.",
                models,
            )
        note = f"CC {kind} {version} lets you publish it on conditions: {', '.join(conditions)}"
        return Terms(
            f"cc-{kind.lower()}-{version}",
            note,
            kind != "BY",
            f"use, change and publish them as CC {kind} {version} allows: {', '.join(conditions)}.",
            models,
        )
    if licence.lower().startswith(_OWN):
        if ";" in licence:  # what synthetic handwriting was made after
            own = "use and publish them, if the ink and labels that they are made after allow it."
            return Terms("other", licence, rows=own, models="the same.")
        apache = "apache" in licence.lower()
        return Terms(
            "apache-2.0" if apache else "other",
            rows="use, change and publish them." if apache else "yours to decide.",
            models="no condition of the corpus." if apache else "yours to decide.",
        )
    return Terms(
        "other",
        f"its licence ({licence}) does not let you hand it on without its owners' leave",
        True,
        f"use them as the owners allow ({licence}); do not publish them without their leave.",
        "train it for the use that the owners allow; ask them before you publish or sell it.",
    )
