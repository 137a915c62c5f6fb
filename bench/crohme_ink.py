"""The official CROHME packages, read for benchmarks: a truth, its MathML and the field's caption."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import ParseError, fromstring

ARCHIVES = {"train": "train_inkml.tar.xz", "2014": "test2014_inkml.tar.xz"}


@dataclass(frozen=True, slots=True)
class Truth:
    """One InkML file: its id, raw LaTeX (None: the file is broken or says none), MathML, caption."""

    id: str
    latex: str | None
    mathml: Element | None
    caption: str | None


def truths(corpora: Path, split: str) -> Iterator[Truth]:
    """The files of a split, in the archive's order."""
    text = (corpora / "crohme" / f"captions_{split}.tsv").read_text(encoding="utf-8")
    captions = dict(line.split("\t", 1) for line in text.split("\n") if "\t" in line)
    with tarfile.open(corpora / "crohme" / ARCHIVES[split], "r|xz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".inkml") else None
            if file is not None:
                name = PurePosixPath(member.name).stem
                yield _truth(name, file.read(), captions.get(name))


def _truth(name: str, data: bytes, caption: str | None) -> Truth:
    try:
        # one file holds a Latin-1 byte in its MathML and declares nothing
        root = fromstring(data.decode("utf-8", "replace"))
    except ParseError:
        return Truth(name, None, None, caption)
    latex = next((e.text for e in root if _tag(e) == "annotation" and e.get("type") == "truth"), None)
    mathml = next(
        (child for e in root if _tag(e) == "annotationXML" for child in e if _tag(child) == "math"), None
    )
    return Truth(name, latex, mathml, caption)


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
