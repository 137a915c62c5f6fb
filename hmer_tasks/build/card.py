"""The dataset card, OUT/README.md: YAML that names the splits, and what a reader wants to know first."""

from jinja2 import Environment

from hmer_tasks.build.summary import Summary
from hmer_tasks.corpora import Corpus

_CARD = """---
pretty_name: {{ name }} for handwritten mathematics, five tasks
license: other
task_categories:
- image-to-text
tags:
- handwritten-mathematical-expression-recognition
- latex
configs:
- config_name: default
  data_files:
{%- for split in splits %}
  - split: "{{ split }}"
    path: data/{{ split }}-*.parquet
{%- endfor %}
---
# {{ name }}: rows for recognition, Tree-CoT, counting, error detection and error correction

Built by hmer-tasks {{ versions["hmer-tasks"] }} from {{ name }}.
The pictures and labels belong to their owners: {{ origin }}; licence: {{ licence }}.

| split | samples | rows |{% for task in tasks %} {{ task }} |{% endfor %} refused |
| --- | ---: | ---: |{% for task in tasks %} ---: |{% endfor %} ---: |
{%- for split, each in splits.items() %}
| {{ split }} | {{ each.samples }} | {{ each.rows }} |{% for task in tasks %} {{ each.tasks.get(task, 0) }} |{% endfor %} {{ each.rejected }} |
{%- endfor %}
{% if rejected %}
Refused samples, by reason (each is a line of `rejects.jsonl`):

| reason | samples |
| --- | ---: |
{%- for reason, count in rejected.items() %}
| `{{ reason }}` | {{ count }} |
{%- endfor %}
{% endif %}
Arguments: {% for key, value in arguments.items() %}{{ key }} `{{ value }}`{{ ", " if not loop.last }}{% endfor %}.

Every row was proven when it was written; `hmer-tasks verify` proves it again from these files.

```python
from datasets import load_dataset
rows = load_dataset("PATH/OF/THIS/FOLDER")
```
"""


def card(summary: Summary, corpus: Corpus) -> str:
    """The card of a build."""
    made_by = summary["made_by"]
    text = Environment(autoescape=False, keep_trailing_newline=True).from_string(_CARD)  # noqa: S701
    return text.render(
        name=corpus.name,
        origin=corpus.origin,
        licence=corpus.licence,
        splits=summary["splits"],
        tasks=made_by["arguments"]["tasks"],
        rejected=summary["rejected"],
        arguments=made_by["arguments"],
        versions=made_by["versions"],
    )
