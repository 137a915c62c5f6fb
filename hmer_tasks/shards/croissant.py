"""croissant.json: a build's metadata for search engines, loaders and conferences.

The format is Croissant 1.0 (http://mlcommons.org/croissant/1.0) with the responsible-AI vocabulary
(http://mlcommons.org/croissant/RAI/1.0), as JSON-LD: the shards with their digests, a record set for each
split, and the fields that NeurIPS asks of a dataset: limitations, biases, personal data, use cases, social
impact, whether data is synthetic, what it is derived from and how it was made. No time, host or path stands
in it.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from hmer_tasks.corpora.about import About
from hmer_tasks.shards.licences import terms
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.schema import SCHEMA

FILE = "croissant.json"
JsonObject = dict[str, object]
_Value = TypeVar("_Value")

# The context that mlcroissant takes for the standard one, and the provenance vocabulary.
_CONTEXT: JsonObject = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_CONFORMS = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
_TEXTS = Path(__file__).with_name("croissant.toml")
_LICENCE_URLS = {"apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0"}
_CC = re.compile(r"cc-(by(?:-nc)?(?:-sa|-nd)?)-(\d\.\d)")
_FORMATS = {
    ".jsonl": "application/jsonlines",
    ".parquet": "application/x-parquet",
    ".tar": "application/x-tar",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
_URL = re.compile(r"https?://[^\s)]+")
_PUNCTUATION = re.compile(r"([*?[])")


def croissant(summary: Summary, licence: str, origin: str, facts: About) -> JsonObject:
    """The metadata of a build.

    Args:
        summary: Its build.json.
        licence: The licence of its corpus, as the corpus states it.
        origin: Where the corpus comes from.
        facts: What is known of the corpus.

    Returns:
        A JSON-LD object.
    """
    splits = [split for split, counted in summary["splits"].items() if counted["rows"]]
    return {
        **_described(summary, licence, origin, facts),
        "distribution": [*_shards(summary), *(_file_set(split) for split in splits)],
        "recordSet": [
            _record_set(split, not summary["made_by"]["arguments"].get("no_images")) for split in splits
        ],
    }


def as_text(metadata: Mapping[str, object]) -> str:
    """The metadata as it is written."""
    return json.dumps(metadata, indent=1, ensure_ascii=False) + "\n"


def of_export(builds: Sequence[Mapping[str, object]], kind: str, folder: Path, rows: int) -> JsonObject:
    """The metadata of an export: that of its builds, joined, over the export's own files.

    Args:
        builds: The metadata of each build, or of an earlier export of some.
        kind: Whose layout it is.
        folder: The export's folder.
        rows: How many rows it holds.

    Returns:
        A JSON-LD object, without record sets: those are of the build's columns.
    """
    joined: JsonObject = {}
    for key, first in builds[0].items():
        values = [build.get(key, first) for build in builds]
        if key.startswith(("rai:", "prov:")) or key in ("license", "creator", "keywords", "usageInfo"):
            joined[key] = _joined(values)
        elif key not in ("recordSet", "distribution", "url"):
            joined[key] = first
    sources = joined["prov:wasDerivedFrom"]
    assert isinstance(sources, list)
    names = _union([str(source["name"]).rpartition("/")[0] for source in sources])
    joined["name"] = f"{'-'.join(names)}-{kind.partition(',')[0]}"
    joined["description"] = (
        f"{rows:,} rows of {', '.join(names)} in the layout of {kind}, exported by hmer-tasks."
    )
    joined["distribution"] = _export_files(folder)
    return joined


def _joined(values: Sequence[object]) -> object:
    """One value of several: lists are joined, texts line by line, and one truth makes it true."""
    if all(isinstance(value, list) for value in values):
        return _union(*(value for value in values if isinstance(value, list)))
    if all(isinstance(value, bool) for value in values):
        return any(values)
    return "\n".join(_union(*(str(value).split("\n") for value in values)))


def _export_files(folder: Path) -> list[JsonObject]:
    """A file set for each folder and each kind of file at the top."""
    sets: list[JsonObject] = []
    patterns: dict[str, set[str]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            patterns[f"{path.name}/*"] = {
                Path(name).suffix for _, _, names in os.walk(path) for name in names
            }
        elif path.suffix in (".jsonl", ".parquet"):
            patterns[path.name] = {path.suffix}
    for pattern, endings in patterns.items():
        formats = sorted({_FORMATS[ending] for ending in endings if ending in _FORMATS})
        name = pattern.removesuffix("/*")
        sets.append(
            {
                "@type": "cr:FileSet",
                "@id": name,
                "name": name,
                "encodingFormat": formats,
                "includes": pattern,
            }
        )
    return sets


def _union(*lists: Sequence[_Value]) -> list[_Value]:
    """All that is in the lists, each thing once, in order."""
    kept: list[_Value] = []
    for values in lists:
        kept += [value for value in values if value not in kept]
    return kept


@cache
def _texts() -> dict[str, object]:
    return tomllib.loads(_TEXTS.read_text(encoding="utf-8"))


def _text(name: str) -> str:
    return str(_texts()[name])


def _columns() -> dict[str, str]:
    columns = _texts()["columns"]
    assert isinstance(columns, dict)
    return columns


def _described(summary: Summary, licence: str, origin: str, facts: About) -> JsonObject:
    made_by = summary["made_by"]
    allowed = terms(licence)
    name = str(made_by["arguments"]["dataset"])
    rows = sum(split["rows"] for split in summary["splits"].values())
    samples = sum(split["samples"] for split in summary["splits"].values())
    data: JsonObject = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS,
        "name": f"{name}-{len(_tasks(summary))}-tasks",
        "description": (
            f"{rows:,} training rows of {samples:,} pictures of mathematical expressions from {name}, for "
            f"{', '.join(_tasks(summary))}. Built by hmer-tasks {made_by['versions']['hmer-tasks']}."
        ),
        "license": [_licence_url(licence)],
        "usageInfo": [f"Rows: {allowed.rows} Models: {allowed.models}"],
        "creator": [{"@type": "sc:Organization", "name": origin}],
        "version": made_by["versions"]["hmer-tasks"],
        "citeAs": _text("cite"),
        "keywords": [
            "handwritten mathematical expression recognition",
            "LaTeX",
            "vision-language model",
            name,
        ],
    }
    if url := _URL.search(origin):
        data["url"] = url[0]
    return {
        **data,
        "rai:dataCollection": facts.collection,
        "rai:dataAnnotationProtocol": [facts.annotation],
        "rai:dataPreprocessingProtocol": [_text("preprocessing")],
        "rai:dataLimitations": [_text("limitations")],
        "rai:dataBiases": [facts.biases],
        "rai:personalSensitiveInformation": [facts.personal],
        "rai:dataUseCases": [_text("uses")],
        "rai:dataSocialImpact": _text("impact"),
        "rai:hasSyntheticData": facts.synthetic or "synthetic" in str(made_by["arguments"].get("errors")),
        "prov:wasDerivedFrom": _sources(summary, licence, origin),
        "prov:wasGeneratedBy": [
            _activity("Collection", facts.collection),
            _activity("Annotation", facts.annotation),
            _activity(
                "Building of rows",
                f"hmer-tasks {made_by['versions']['hmer-tasks']}; arguments "
                f"{json.dumps(made_by['arguments'], ensure_ascii=False)}; versions "
                f"{json.dumps(made_by['versions'])}",
            ),
        ],
    }


def _tasks(summary: Summary) -> list[str]:
    """The tasks that have rows."""
    return list(dict.fromkeys(task for split in summary["splits"].values() for task in split["tasks"]))


def _licence_url(licence: str) -> str:
    """The licence's address where it has one, else its words."""
    hub_id = terms(licence).hub_id
    if kind := _CC.fullmatch(hub_id):
        return f"https://creativecommons.org/licenses/{kind[1]}/{kind[2]}/"
    return _LICENCE_URLS.get(hub_id, licence)


def _sources(summary: Summary, licence: str, origin: str) -> list[JsonObject]:
    """The inputs, split by split, with the digests that build.json has of them."""
    dataset = summary["made_by"]["arguments"]["dataset"]
    return [
        {
            "@type": "prov:Entity",
            "name": split if "/" in split else f"{dataset}/{split}",  # of several corpora it names its own
            "description": f"{used.get('samples')} inputs of {origin}; licence: {licence}",
            "identifier": f"sha256:{used.get('sha256')}",
        }
        for split, used in summary["made_by"]["inputs"].items()
    ]


def _activity(name: str, description: str) -> JsonObject:
    return {"@type": "prov:Activity", "name": name, "description": description}


def _shards(summary: Summary) -> list[JsonObject]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "contentSize": f"{shard['bytes']} B",
            "encodingFormat": "application/x-parquet",
            "sha256": shard["sha256"],
        }
        for name, shard in summary["shards"].items()
    ]


def _file_set(split: str) -> JsonObject:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-shards",
        "name": f"{split}-shards",
        "encodingFormat": "application/x-parquet",
        "includes": "data/" + _PUNCTUATION.sub(r"[\1]", split) + "-*.parquet",
    }


def _record_set(split: str, images: bool) -> JsonObject:
    """The rows of a split; in a build of labels alone without the pictures' column."""
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"The rows of the split {split}.",
        "field": [_field(split, name) for name in SCHEMA.names if images or name != "images"],
    }


def _field(split: str, name: str) -> JsonObject:
    source: JsonObject = {"fileSet": {"@id": f"{split}-shards"}, "extract": {"column": name}}
    field: JsonObject = {
        "@type": "cr:Field",
        "@id": f"{split}/{name}",
        "name": f"{split}/{name}",
        "description": _columns()[name],
        "dataType": "sc:ImageObject" if name == "images" else "sc:Text",
        "source": source,
    }
    if name in ("images", "prompt", "completion"):
        source["transform"] = {"jsonPath": "bytes" if name == "images" else "content"}
        field["repeated"] = True
    return field
