"""The dataset card, OUT/README.md: YAML that names the splits, and what a reader wants to know first."""

from pathlib import Path

from jinja2 import Environment

from hmer_tasks.build.summary import Summary
from hmer_tasks.corpora import Corpus

_CARD = Path(__file__).with_name("card.md.jinja")


def card(
    summary: Summary, corpus: Corpus, labels: list[dict[str, object]], tokens: list[tuple[str, int]]
) -> str:
    """The card of a build; `labels` and `tokens` are what `label_statistics` found."""
    made_by = summary["made_by"]
    text = Environment(autoescape=False, keep_trailing_newline=True).from_string(_CARD.read_text("utf-8"))
    return text.render(
        name=corpus.name,
        origin=corpus.origin,
        licence=corpus.licence,
        splits=summary["splits"],
        tasks=made_by["arguments"]["tasks"],
        rejected=summary["rejected"],
        labels=labels,
        tokens=tokens,
        arguments=made_by["arguments"],
        versions=made_by["versions"],
    )
