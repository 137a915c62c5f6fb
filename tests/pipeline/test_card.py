"""The card's figures are those of the labels that were built, its YAML is what the Hub takes, and no label
gets out of the place it is shown in. OUT stands apart from the corpus."""

import html
import json
import os
import re
import string
import subprocess
import sys
from array import array
from collections import Counter

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.card import code
from hmer_tasks.shards.label_statistics import (
    LabelTally,
    _distinct,
    _quantile,
    example_rows,
    label_statistics,
    label_stats,
)
from hmer_tasks.storage.store import open_store
from tests.pipeline.conftest import label_of, make_hme100k, rows_of, summary_of


def test_label_statistics(small, tmp_path):
    built = build(
        BuildOptions("hme100k", root=small, out=tmp_path / "out", tasks=("recognition", "counting"))
    )
    shards = {"train": list(built.summary["shards"])}
    labels = [label_of(number) for number in range(60)]
    tally = LabelTally()
    for part in (labels[:25], [], labels[25:]):
        tally.add(json.loads(json.dumps(label_stats(part))))
    table, tokens = label_statistics({"train": tally, "empty": LabelTally()})
    words = [word for label in labels for word in label.split()]
    lengths = sorted(len(label.split()) for label in labels)
    ink = [word for word in words if word not in "{}"]
    [entry] = table
    assert entry["split"] == "train"
    assert entry["samples"] == entry["distinct"] == 60
    assert entry["longest"] == lengths[-1]
    assert lengths[0] <= entry["p5"] <= entry["p50"] <= entry["p95"] <= lengths[-1]
    assert (entry["nesting_p50"], entry["nesting_p95"], entry["deepest"]) == (
        1,
        2,
        2,
    )  # \frac { a _ { 1 } } …
    assert (entry["symbols"], entry["vocabulary"]) == (len(ink), len(set(ink)))
    assert dict(tokens)["{"] == words.count("{")
    assert [count for _, count in tokens] == sorted((count for _, count in tokens), reverse=True)
    card = (built.out / "README.md").read_text(encoding="utf-8")
    assert f"| train | 60 | 60 | {entry['p5']} |" in card
    assert "| train | 60 | 120 | 60 | 60 | 0 |" in card
    examples = example_rows(open_store(built.out), shards)
    assert [(entry.id, entry.task) for entry in examples] == [
        ("train_0.jpg", "recognition"),
        ("train_0.jpg", "counting"),
    ]
    assert examples[0].target == label_of(0)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.sampled_from((0.05, 0.5, 0.95, 0, 1)))
def test_quantiles_of_counted_numbers(numbers, share):
    assert _quantile(Counter(numbers), share) == int(round(float(np.quantile(numbers, share)), 6))


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), min_size=1))
def test_how_many_differ(numbers):
    assert _distinct(array("Q", numbers)) == len(set(numbers))


def test_yaml_is_what_the_hub_takes(tmp_path):
    """Its columns are those of the shards, its splits have the rows that are there; `datasets` checks
    both when it loads."""
    root = make_hme100k(make_hme100k(tmp_path / "HME100K", 9), 5, "test")
    (root / "test/test_labels.txt").write_text("test_0.jpg\tx\ntest_1.jpg\tx ^\n")
    out = build(BuildOptions("hme100k", root=root, out=tmp_path / "out", workers=1)).out
    card = DatasetCard.load(out / "README.md")
    data = card.data.to_dict()
    assert card.content.startswith("---\n")
    assert (data["license"], data["license_name"]) == ("other", "hme100k-as-its-owners-grant")
    assert re.fullmatch(r"[a-z0-9-.]+", data["license_name"])
    assert data["task_categories"] == ["image-to-text"]
    assert data["size_categories"] == ["n<1K"]
    assert [(entry["split"], entry["path"]) for entry in data["configs"][0]["data_files"]] == [
        ("train", "data/train-*.parquet"),
        ("test", "data/test-*.parquet"),
    ]
    features = datasets.Features._from_yaml_list(data["dataset_info"]["features"])
    for path in (out / "data").iterdir():
        assert features == datasets.Features.from_arrow_schema(pq.read_schema(path))
    said = {entry["name"]: entry["num_examples"] for entry in data["dataset_info"]["splits"]}
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == said == {"train": 45, "test": 5}
    assert loaded["test"].features == features
    # What `datasets` counts itself, to a few bytes a row group.
    for split, rows in loaded.items():
        [about] = [entry for entry in data["dataset_info"]["splits"] if entry["name"] == split]
        counted = rows.info.splits[split].num_bytes
        assert abs(about["num_bytes"] - counted) <= 1e-3 * counted + 300
    text = card.text
    assert "| `missing_argument` | 1 |" in text
    assert "does not let you hand it on" in text


@pytest.mark.parametrize(("dataset", "licence"), (("sample", "apache-2.0"),))
def test_a_known_licence(tmp_path, dataset, licence):
    out = build(BuildOptions(dataset, out=tmp_path / "out", limit=3, workers=1)).out
    data = yaml.safe_load((out / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert data["license"] == licence
    assert "license_name" not in data


def test_row_groups_are_what_the_viewer_reads(small, tmp_path):
    """It reads a group at a time, 286 MiB at most, and finds pages by the index."""
    out = build(BuildOptions("hme100k", root=small, out=tmp_path / "out", workers=1)).out
    for path in (out / "data").iterdir():
        data = pq.ParquetFile(path).metadata
        for group in (data.row_group(i) for i in range(data.num_row_groups)):
            assert group.total_byte_size < 128 * 2**20
            assert all(group.column(i).has_offset_index for i in range(group.num_columns))


MARKDOWN = MarkdownIt("commonmark").enable("table")
HOSTILE = string.punctuation + " \n\t\r\u2028ab<script>"


@given(st.text(st.sampled_from(HOSTILE), min_size=1, max_size=30))
def test_a_label_stays_in_its_cell(text):
    """Whatever a label holds, the table keeps its columns, and the text is shown and nothing else."""
    drawn = MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n")
    cells = re.findall(r"<td>(.*?)</td>", drawn, re.DOTALL)
    assert len(cells) == 2
    assert cells[1] == "end"
    shown = re.fullmatch(r"<code>(.*)</code>", cells[0], re.DOTALL)
    assert shown is not None
    assert "<" not in shown.group(1)
    wanted = (
        text.strip().replace("\n", " ⏎ ").replace("\t", "⇥").replace("\r", "␍").replace("\u2028", "\\u2028")
    )
    assert html.unescape(shown.group(1)).split() == wanted.split()


def test_a_hostile_label_on_the_card(tmp_path):
    root = make_hme100k(tmp_path / "HME100K", 1)
    (root / "train/train_labels.txt").write_text("train_0.jpg\t\\| x | ` < b > y\n")
    out = build(BuildOptions("hme100k", root=root, out=tmp_path / "out", workers=1)).out
    assert rows_of(out)[0]["label"] == "\\| x | ` < b > y"
    drawn = MARKDOWN.render((out / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2])
    cells = [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", drawn)]
    assert "<code>\\| x | ` < b > y</code>" in cells
    assert drawn.count("<tr>") == (1 + 1) + (1 + 1) + (1 + 5)  # splits, labels, the sample's five rows


@pytest.mark.parametrize("inside", [".", "out", "train/out"])
def test_out_inside_the_corpus_is_refused(small, inside):
    before = sorted(small.rglob("*"))
    with pytest.raises(UsageError, match="lies inside the corpus"):
        build(BuildOptions("hme100k", root=small, out=small / inside))
    assert sorted(small.rglob("*")) == before


def test_datasets_takes_the_card_without_a_warning(small, tmp_path):
    """In a process of its own: what it logs goes to standard error."""
    out = build(BuildOptions("hme100k", root=small, out=tmp_path / "out", workers=1, valid_share=0.3)).out
    script = (
        "import datasets, sys, warnings; warnings.simplefilter('error');"
        "datasets.disable_progress_bars(); datasets.logging.set_verbosity_warning();"
        "print({split: len(rows) for split, rows in datasets.load_dataset(*sys.argv[1:2], cache_dir=sys.argv[2]).items()})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(out), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = {split: entry["rows"] for split, entry in summary_of(out)["splits"].items()}
    assert done.stdout == f"{said}\n"
