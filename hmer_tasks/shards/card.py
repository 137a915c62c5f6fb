"""The dataset card, OUT/README.md: YAML that the Hub's viewer reads, and what a reader wants to know first.

No time, host or path stands in it: the same build gives the same card.
"""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from hmer_tasks.corpora import Corpus
from hmer_tasks.corpora.about import about_build
from hmer_tasks.shards.label_statistics import Example
from hmer_tasks.shards.licences import BASE_MODELS, terms
from hmer_tasks.shards.manifest import Summary, prompts_of
from hmer_tasks.shards.schema import SCHEMA

_CARD = Path(__file__).with_name("card.md.jinja")
_LONGEST = 700  # characters of a prompt or answer
# https://huggingface.co/docs/hub/datasets-cards: rows, all splits together
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SPECIAL = {char: f"&#{ord(char)};" for char in string.punctuation}


def card(
    summary: Summary,
    corpus: Corpus,
    labels: list[dict[str, object]],
    tokens: list[tuple[str, int]],
    *,
    arrow_bytes: Mapping[str, int],
    examples: Sequence[Example] = (),
) -> str:
    """The dataset card of a build.

    Args:
        summary: Its build.json.
        corpus: The corpus, whose licence and origin it names.
        labels: Statistics of the labels, a row for each split, as `label_statistics` found them.
        tokens: The commonest tokens and how often they occur.
        arrow_bytes: By split, what its rows take in memory, in bytes.
        examples: The rows of one sample.

    Returns:
        The card, Markdown with a YAML head.
    """
    from jinja2 import Environment  # only the end of a build needs it: workers, `check` and `verify` do not

    made_by = summary["made_by"]
    licence = terms(corpus.licence)
    rows = sum(split["rows"] for split in summary["splits"].values())
    environment = Environment(autoescape=False, keep_trailing_newline=True)
    environment.filters["code"] = code
    text = environment.from_string(_CARD.read_text("utf-8"))
    return text.render(
        name=corpus.name,
        origin=corpus.origin,
        licence=corpus.licence,
        hub_licence=licence.hub_id,
        note=licence.note,
        may={"rows": licence.rows, "models": licence.models},
        base_models=BASE_MODELS,
        facts=about_build(made_by["arguments"]),
        size=next((name for limit, name in _SIZES if rows < limit), "1M<n<10M"),
        features=_features(),
        splits=summary["splits"],
        arrow_bytes=arrow_bytes,
        download_size=sum(shard["bytes"] for shard in summary["shards"].values()),
        dataset_size=sum(arrow_bytes.values()),
        tasks=made_by["arguments"]["tasks"],
        prompts=prompts_of(summary),
        rejected=summary["rejected"],
        repaired=summary.get("repaired", {}),
        pictures=summary.get("pictures", {}),
        labels=labels,
        tokens=tokens,
        examples=examples,
        arguments=made_by["arguments"],
        versions=made_by["versions"],
    )


def code(value: object) -> str:
    """A text as code in Markdown, in a table too, whatever stands in it.

    Labels are not ours: one may hold a bar, backquotes or tags. What a code span cannot hold is written
    as HTML, every sign of punctuation as its number, so that no reader takes it for markup.
    """
    text = str(value).strip()
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + " …"
    text = text.replace("\n", " ⏎ ").replace("\t", "⇥").replace("\r", "␍")
    text = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    if text and "`" not in text and "|" not in text:
        return f"`{text}`"
    return f"<code>{''.join(_SPECIAL.get(char, char) for char in text)}</code>"


def _features() -> str:
    """The columns as the `dataset_info` of a card has them (`Features._to_yaml_list` of datasets)."""
    lines = []
    for field in SCHEMA:
        lines.append(f"  - name: {field.name}")
        if field.name == "images":
            lines.append("    list: image")
        elif field.name in ("prompt", "completion"):
            lines.append("    list:")
            for name in ("role", "content"):
                lines += [f"    - name: {name}", "      dtype: string"]
        else:
            lines.append("    dtype: string")
    return "\n".join(lines)
