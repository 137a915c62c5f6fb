"""What predictions are held against (`--labels`): a label file, a finished build, or a corpus's folder or
archive.

Each gives labels and pictures by id. A build also says what its error tasks asked about. Of a build or
corpus only the splits count that a prediction speaks of: a test set's predictions are not short of the
train set.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from hmer_tasks.corpora import CORPORA, Corpus, Picture, Rejected, SplitReader, open_corpus
from hmer_tasks.corpora.labelled import LabelledSplit, locate, open_labels
from hmer_tasks.evaluation.inputs import comparable_label
from hmer_tasks.exceptions import LabelError, PictureError, PredictionError, RejectReason
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.predictions import Prediction
from hmer_tasks.shards.verifier import read_summary
from hmer_tasks.storage.files import FolderFiles
from hmer_tasks.storage.store import open_store
from hmer_tasks.storage.urls import PathOrUrl

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".inkml")
# corpora that a folder is tried as, in this order; `folder` takes what no other does
_TRIED = ("hme100k", "crohme", "crohme2023", "mathwriting", "im2latexv2", "mne", "folder")


@dataclass(slots=True)
class Reference:
    """A sample: its label, its picture if one may be there, and what its error tasks asked about, by task."""

    source: str
    id: str
    label: str
    picture: Picture | None = None
    asked: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)


@dataclass(slots=True)
class References:
    """Samples by (source, id), ids without a picture's ending."""

    name: str
    advice: str = "name the labels of all, or leave these predictions out"  # where some have none
    by_key: dict[tuple[str, str], Reference] = field(default_factory=dict)
    by_id: dict[str, list[Reference]] = field(default_factory=dict)

    def add(self, reference: Reference) -> None:
        """One more sample; the first of an id and source stays."""
        key = reference.source, plain_id(reference.id)
        if key not in self.by_key:
            self.by_key[key] = reference
            self.by_id.setdefault(key[1], []).append(reference)

    def find(self, source: str, id: str) -> Reference | None:
        """The sample of a prediction: by source and id, else by the id alone where only one split has it."""
        id = plain_id(id)
        reference = self.by_key.get((source, id))
        if reference is None:
            others = self.by_id.get(id, [])
            reference = others[0] if len(others) == 1 else None
        return reference


def resolve(
    predictions: Iterable[Prediction], references: References, *, sources: bool = False
) -> Iterator[Prediction]:
    """The predictions under the ids of the references, whatever ending their own have.

    Args:
        predictions: The predictions.
        references: Where their ids are looked up. What has no label there stays as it is.
        sources: Whether they take the references' sources as well: files that speak of the same pictures
            may name none.

    Yields:
        The predictions, in order.
    """
    for prediction in predictions:
        reference = references.find(prediction.source, prediction.id)
        if reference is None:
            yield prediction
        else:
            source = reference.source if sources else prediction.source
            yield replace(prediction, source=source, id=reference.id)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Predictions with labels: how many labels have none, and how many predictions' own labels were
    others."""

    pairs: list[Prediction]
    missing: int = 0
    contradicted: tuple[str, ...] = ()


def labelled(pairs: list[Prediction], references: References) -> Labelled:
    """Join predictions with the references' labels and ids.

    A label without a prediction is scored as an empty prediction: leaving it out would flatter. It belongs
    to the set that the predictions of its split are called by, if that is one.

    Args:
        pairs: The predictions.
        references: Their labels.

    Returns:
        The predictions in order, then the empty ones.

    Raises:
        PredictionError: A prediction has no label.
    """
    out: list[Prediction] = []
    seen: set[tuple[str, str]] = set()
    called: dict[str, set[str]] = {}  # by the references' source, what the predictions call it
    other: list[str] = []
    without: list[str] = []
    for pair in pairs:
        reference = references.find(pair.source, pair.id)
        if reference is None:
            without.append(pair.id)
            continue
        seen.add((reference.source, plain_id(reference.id)))
        called.setdefault(reference.source, set()).add(pair.source)
        if pair.gt.strip() and pair.gt.split() != reference.label.split():
            other.append(pair.id)
        candidate, marked = reference.asked.get(pair.task, (None, None))
        if pair.candidate is not None or pair.marked is not None:
            candidate, marked = pair.candidate, pair.marked
        out.append(replace(pair, id=reference.id, gt=reference.label, candidate=candidate, marked=marked))
    if without:
        raise PredictionError(
            f"{references.name} has no label for {len(without):,} of {len(pairs):,} predictions (the first: "
            f"{without[0]!r}): {references.advice}"
        )
    names = {source: min(given) if len(given) == 1 else source for source, given in called.items()}
    missing = [
        Prediction(names[key[0]], reference.id, reference.label, "")
        for key, reference in references.by_key.items()
        if key[0] in names and key not in seen
    ]
    return Labelled(out + missing, len(missing), tuple(other))


def unanswered(answers: Iterable[Prediction], references: References) -> dict[str, int]:
    """How many samples have no answer to a task that others of their split have one to.

    Args:
        answers: The answers, each with its task.
        references: The samples. For error tasks those count that a build asks about.

    Returns:
        The number of samples by task.
    """
    answered: dict[str, set[tuple[str, str]]] = {}
    for answer in answers:
        reference = references.find(answer.source, answer.id)
        if reference is not None:
            answered.setdefault(answer.task, set()).add((reference.source, plain_id(reference.id)))
    counts: dict[str, int] = {}
    for task, keys in answered.items():
        splits = {source for source, _ in keys}
        counts[task] = sum(
            key[0] in splits and key not in keys and (not task.startswith("error_") or task in sample.asked)
            for key, sample in references.by_key.items()
        )
    return counts


def read_references(path: Path) -> References:
    """Read a label file, a build, or a corpus. Raises CorpusError, BuildError, PredictionError."""
    references = References(str(path))
    if (path / "build.json").is_file():
        references.advice = (
            "a build leaves refused samples out, its corpus does not; score against that, or leave these "
            "predictions out"
        )
        labels = _of_build(path)
    elif path.is_dir() or path.suffix.lower() in (".zip", ".tgz", ".tar", ".xz", ".gz"):
        labels = _of_corpus(path)
    else:
        labels = _of_label_file(path)
    for reference in labels:
        references.add(reference)
    return references


def corpus_references(corpus: Corpus, root: PathOrUrl | None, splits: tuple[str, ...] = ()) -> References:
    """The labels and pictures of a corpus, to look predictions up in.

    Args:
        corpus: The corpus.
        root: Where it lies. None: where it usually does.
        splits: Which splits. Empty: all that are there.

    Returns:
        The references.

    Raises:
        CorpusError: It cannot be read, or has no such split.
    """
    files = open_corpus(corpus, root)
    available = corpus.available(files)
    references = References(f"{corpus.name} in {files.root}")
    for split in splits or available:
        if split not in available:
            raise corpus.absent(files.root, split, available)
        for reference in _of_reader(corpus.open_split(files, split)):
            references.add(reference)
    return references


def plain_id(id: str) -> str:
    """An id without an image's ending."""
    name = PurePosixPath(id)
    return str(name.with_suffix("")) if name.suffix.lower() in _ENDINGS else id


def _of_label_file(path: Path) -> Iterator[Reference]:
    if not path.is_file():
        raise PredictionError(f"{path}: no such label file, build or corpus")
    files = FolderFiles(path.parent)
    folders = _picture_folders(path)

    def place(id: str) -> str:
        return locate(files, folders, ("", *_ENDINGS[:-1]), id)

    yield from _of_reader(LabelledSplit(files, open_labels(files, path.name, path.name), path.name, place))


def _picture_folders(path: Path) -> Iterable[str]:
    """Where pictures lie beside a label file: in its own folder, or as HME100K's and CoMER's owners put
    them."""
    stem = path.stem.removesuffix("_labels").removesuffix("_label")
    return ("", f"{stem}_images/", f"{stem}/", "images/", "img/", "pictures/")


def _of_corpus(root: Path) -> Iterator[Reference]:
    for name in _TRIED:
        corpus = CORPORA[name]
        files = open_corpus(corpus, root)
        splits = corpus.available(files)
        if splits:
            for split in splits:
                yield from _of_reader(corpus.open_split(files, split))
            return
    raise PredictionError(
        f"{root} is no build and no corpus that is known: name a label file, a build or a corpus"
    )


def _of_reader(reader: SplitReader) -> Iterator[Reference]:
    for index in range(len(reader)):
        sample = reader[index]
        if not isinstance(sample, Rejected):
            yield Reference(
                sample.source, sample.id, label_in_tokens(sample.label, reader.profile), sample.image
            )


def label_in_tokens(label: str, profile: str | None) -> str:
    """A corpus's label as answers are compared with it.

    Args:
        label: The label as the corpus has it.
        profile: The normalization profile of its split. None: the labels are tokenised already.

    Returns:
        The label with a space between tokens. One that the profile refuses is kept as it is, and counts as
        no TeX.
    """
    if profile is None:
        return label
    try:
        return normalize(label, profile)
    except LabelError:
        return " ".join(label.split())


@dataclass(frozen=True, slots=True)
class _ShardPicture:
    """A picture in a build's shard, read when it is asked for."""

    build: Path
    shard: str
    group: int
    row: int

    def load(self) -> tuple[bytes, str]:
        from pyarrow import ArrowException, parquet

        try:
            with parquet.ParquetFile(self.build / self.shard) as file:
                images = file.read_row_group(self.group, columns=["images"])["images"][self.row].as_py()
        except (ArrowException, OSError) as error:
            raise PictureError(RejectReason.IMAGE_UNREADABLE, self.shard, str(error)) from error
        if not images:
            raise PictureError(RejectReason.IMAGE_MISSING, self.shard, "built without pictures")
        return images[0]["bytes"], images[0]["path"] or ""


def _of_build(path: Path) -> Iterator[Reference]:
    from pyarrow import parquet

    store = open_store(path)
    read: dict[tuple[str, str], Reference] = {}
    for shard in read_summary(path)["shards"]:
        with store.local(shard) as local, parquet.ParquetFile(local) as file:
            for group in range(file.num_row_groups):
                columns = ["source", "id", "task", "gt", "label", "candidate", "marked"]
                for row, record in enumerate(file.read_row_group(group, columns=columns).to_pylist()):
                    key = record["source"], record["id"]
                    reference = read.get(key)
                    if reference is None:
                        picture = _ShardPicture(path, shard, group, row)
                        label = comparable_label(record["gt"], record["label"])
                        reference = read[key] = Reference(*key, label, picture)
                    if record["candidate"] is not None:  # the first row of a task is what the predictor asks
                        reference.asked.setdefault(record["task"], (record["candidate"], record["marked"]))
    yield from read.values()
