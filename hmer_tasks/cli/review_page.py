"""The page of `hmer-tasks audit --review`: suspicious labels, one after another, decided with a key.

Keep, mend or drop: the decisions stay in the browser until they are saved as JSON, which `audit
--decisions` reads.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from hmer_tasks.audit.label_noise import Judged
from hmer_tasks.evaluation.answers import key
from hmer_tasks.evaluation.references import References
from hmer_tasks.reports import html
from hmer_tasks.reports.formula import formula, sprite
from hmer_tasks.reports.html import render
from hmer_tasks.reports.pair_drawing import token_differences
from hmer_tasks.reports.task_cards import picture_data_of
from hmer_tasks.typeset.layout import layout

SHOWN = 300
_TEMPLATES = Path(html.__file__).parent / "templates"
_READINGS = 9  # a key each


@dataclass(frozen=True, slots=True)
class Reading:
    """What some recognisers read: how many of them, the text with its differences marked, and in print."""

    count: int
    plain: str
    text: Markup
    formula: Markup | None


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """A suspicious sample."""

    source: str
    id: str
    reason: str
    note: str
    label: str
    label_text: Markup
    label_formula: Markup | None
    readings: tuple[Reading, ...]
    picture: str | None


def review_page(judged: Sequence[Judged], title: str, references: References | None) -> str:
    """The page as HTML. `judged`: the suspicious samples, the worst first; SHOWN of them at most are on
    it."""
    glyphs: set[str] = set()
    cards = [_card(item, references, glyphs) for item in judged[:SHOWN]]
    names = "\n".join(f"{card.source}\t{card.id}\t{card.label}" for card in cards)
    return render(
        _TEMPLATES,
        "review",
        {
            "title": title,
            "cards": cards,
            "total": len(judged),
            "sprite": sprite(glyphs),
            # decisions of another page are not taken for those of this one
            "digest": hashlib.sha256(names.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        },
    )


def _card(judged: Judged, references: References | None, glyphs: set[str]) -> ReviewCard:
    sample = judged.sample
    counts = Counter(key(reading) for reading in sample.readings)
    first = {key(reading): reading for reading in reversed(sample.readings)}
    readings = tuple(
        Reading(
            count,
            first[name],
            token_differences(sample.label, first[name])[1],
            _formula(first[name], glyphs),
        )
        for name, count in counts.most_common(_READINGS)
    )
    return ReviewCard(
        sample.source,
        sample.id,
        str(judged.reason or ""),
        judged.note,
        sample.label,
        token_differences(sample.label, judged.consensus)[0],
        _formula(sample.label, glyphs),
        readings,
        picture_data_of(references, sample.source, sample.id),
    )


def _formula(label: str, glyphs: set[str]) -> Markup | None:
    boxes = layout(label)
    if boxes is None:
        return None
    glyphs.update(box.glyph for box in boxes)
    return formula(boxes)
