"""croissant.json: the library's own validator takes it, and its loader gives back the rows of the build."""

import json
import subprocess
import sys

import mlcroissant
import pytest

from hmer_tasks.corpora import CORPORA
from hmer_tasks.corpora.about import About, about
from hmer_tasks.exporting.exporters import EXPORTERS
from hmer_tasks.exporting.folder import export
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.shards.croissant import croissant
from hmer_tasks.shards.licences import terms
from tests.pipeline.conftest import make_hme100k, rows_of, summary_of

# What NeurIPS 2026 asks of a dataset.
REQUIRED = {
    "rai:dataLimitations", "rai:dataBiases", "rai:personalSensitiveInformation", "rai:dataUseCases",
    "rai:dataSocialImpact", "rai:hasSyntheticData", "prov:wasDerivedFrom", "prov:wasGeneratedBy",
}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    place = tmp_path_factory.mktemp("croissant")
    root = make_hme100k(make_hme100k(place / "HME100K", 20), 5, "test")
    return build(BuildOptions("hme100k", root, out=place / "out", workers=1)).out


def metadata_of(folder):
    return json.loads((folder / "croissant.json").read_text(encoding="utf-8"))


def valid(folder):
    """The dataset as mlcroissant reads it; the only thing that it misses is the date of publication."""
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    assert [issue for issue in dataset.metadata.ctx.issues.warnings if "datePublished" not in issue] == []
    return dataset


def test_records_are_the_rows_of_the_build(out):
    dataset = valid(out)
    rows = rows_of(out)
    for split in ("train", "test"):
        records = list(dataset.records(split))
        mine = [row for row in rows if row["source"] == f"hme100k/{split}"]
        assert len(records) == len(mine) > 0
        for record, row in zip(records, mine, strict=True):
            for name in ("id", "source", "task", "label", "gt", "candidate", "marked"):
                value = record[f"{split}/{name}"]
                assert (value.decode() if value is not None else None) == row[name]
            for name in ("prompt", "completion"):
                assert [text.decode() for text in record[f"{split}/{name}"]] == [row[name][0]["content"]]
            [picture] = record[f"{split}/images"]
            assert picture.size == (40, 20)


def test_the_validator_takes_it(out):
    command = [sys.executable, "-m", "mlcroissant.scripts.validate", "--jsonld", str(out / "croissant.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Done" in done.stderr and "error" not in done.stderr.lower()


def test_what_a_conference_asks_for(out):
    metadata, summary = metadata_of(out), summary_of(out)
    assert metadata.keys() > REQUIRED
    digests = {source["identifier"] for source in metadata["prov:wasDerivedFrom"]}
    assert digests == {f"sha256:{used['sha256']}" for used in summary["made_by"]["inputs"].values()}
    shards = {entry["@id"]: entry["sha256"] for entry in metadata["distribution"] if "sha256" in entry}
    assert shards == {name: shard["sha256"] for name, shard in summary["shards"].items()}
    assert metadata["license"] == ["research use, as TAL grants it"]


def test_every_corpus_has_facts_and_terms():
    for name, corpus in CORPORA.items():
        if name not in ("folder", "parquet"):  # the user's own
            assert about(name) != About(), name
        allowed = terms(corpus.licence)
        assert allowed.rows and allowed.models
    assert terms("CC BY-NC-SA 4.0").hub_id == "cc-by-nc-sa-4.0"
    assert "no commercial" in terms("CC BY-NC-SA 4.0").models
    assert "do not publish" in terms("CC BY-ND 4.0").rows
    assert "leave" in terms("never heard of").rows


def test_a_build_of_labels_alone(tmp_path):
    out = build(BuildOptions("sample", out=tmp_path / "out", limit=2, no_images=True, workers=1)).out
    records = list(valid(out).records("train"))
    assert len(records) == 10
    assert "train/images" not in records[0]


def test_a_split_of_any_name_is_escaped(out):
    summary = summary_of(out)
    summary["splits"] = {"t[1]": summary["splits"]["train"]}
    [pattern] = [
        entry["includes"]
        for entry in croissant(summary, "x", "y", About())["distribution"]
        if "includes" in entry
    ]
    assert pattern == "data/t[[]1]-*.parquet"


@pytest.mark.parametrize("name", EXPORTERS)
def test_exports_carry_it_for_all_their_builds(out, tmp_path, name):
    other = build(BuildOptions("sample", out=tmp_path / "other", limit=2, workers=1)).out
    folder = export(out, tmp_path / "x", EXPORTERS[name].layout()).target
    export(other, folder, EXPORTERS[name].layout(), add=True)
    valid(folder)
    metadata = metadata_of(folder)
    for built in (out, other):
        mine = metadata_of(built)
        assert all(source in metadata["prov:wasDerivedFrom"] for source in mine["prov:wasDerivedFrom"])
        assert set(mine["license"]) < set(metadata["license"])
        assert mine["rai:dataCollection"] in metadata["rai:dataCollection"].split("\n")
    patterns = {entry["includes"] for entry in metadata["distribution"]}
    assert any("sample_train" in pattern for pattern in patterns)
    assert any("hme100k_test" in pattern for pattern in patterns)
