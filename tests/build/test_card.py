"""The card's figures are those of the labels that were built, and OUT stands apart from the corpus."""

import pytest

from hmer_tasks.build import BuildOptions, UsageError, build
from hmer_tasks.build.labels import label_statistics
from tests.build.conftest import label_of


def test_label_statistics(small, tmp_path):
    built = build(
        BuildOptions("hme100k", root=small, out=tmp_path / "out", tasks=("recognition", "counting"))
    )
    table, tokens = label_statistics(built.out, {"train": list(built.summary["shards"])})
    labels = [label_of(number) for number in range(60)]
    lengths = sorted(len(label.split()) for label in labels)
    assert table == [
        {
            "split": "train",
            "samples": 60,
            "distinct": 60,
            "longest": lengths[-1],
            "p5": table[0]["p5"],
            "p50": table[0]["p50"],
            "p95": table[0]["p95"],
        }
    ]
    assert lengths[0] <= table[0]["p5"] <= table[0]["p50"] <= table[0]["p95"] <= lengths[-1]
    words = [word for label in labels for word in label.split()]
    assert dict(tokens)["{"] == words.count("{")
    assert [count for _, count in tokens] == sorted((count for _, count in tokens), reverse=True)
    card = (built.out / "README.md").read_text(encoding="utf-8")
    assert f"| train | 60 | 60 | {table[0]['p5']} |" in card


@pytest.mark.parametrize("inside", [".", "out", "train/out"])
def test_out_inside_the_corpus_is_refused(small, inside):
    before = sorted(small.rglob("*"))
    with pytest.raises(UsageError, match="lies inside the corpus"):
        build(BuildOptions("hme100k", root=small, out=small / inside))
    assert sorted(small.rglob("*")) == before
