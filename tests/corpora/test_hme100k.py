"""HME100K in the owners' layout and as JSON lines, as a folder and packed."""

import json

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason

HME = CORPORA["hme100k"]
KINDS = ("folder", "zip", "tar", "tar.gz", "tar.xz")
LABELS = {"train_0.jpg": "x ^ { 2 }", "train_10.jpg": "\\frac { 1 } { 2 }", "train_2.jpg": "a"}


def official(picture, top="HME100K/") -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {
        f"{top}train/train_labels.txt": "".join(f"{id}\t{label}\n" for id, label in LABELS.items()),
        f"{top}test/test_labels.txt": "test_1.jpg\ty\r\n",
        f"{top}test/test_images/test_1.jpg": picture(),
        f"{top}subset/easy.json": "[]",
    }
    return files | {f"{top}train/train_images/{id}": picture((40, 20 + at)) for at, id in enumerate(LABELS)}


def read(root, split="train"):
    with open_files(root) as files:
        reader = HME.open_split(files, split)
        entries = [reader[index] for index in range(len(reader))]
        assert [reader.id(index) for index in range(len(reader))] == [row.id for row in entries]
        return [
            (s.id, s.source, s.label, *s.image.load()) for s in entries if not isinstance(s, Rejected)
        ], reader.digest()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("top", ("", "HME100K/", "data/HME100K/"))
def test_folder_and_archives_give_the_same_samples_in_the_files_order(write, pack, picture, kind, top):
    root = write(official(picture, top))
    samples, digest = read(root if kind == "folder" else pack(root, kind))
    assert samples == [
        (id, "hme100k/train", label, picture((40, 20 + at)), id)
        for at, (id, label) in enumerate(LABELS.items())
    ]
    assert digest == read(root)[1]
    assert digest != read(root, "test")[1]


@pytest.mark.parametrize(
    ("label_file", "folder"),
    (
        ("train.jsonl", "images/"),
        ("train_labels.jsonl", "train_images/"),
        ("train/train.json", "train/"),
        ("train/labels.jsonl", "train/images/"),
        ("train/train_labels.json", "train/train_images/"),
    ),
)
@pytest.mark.parametrize("wrote", ("", "train/train_images/", "some/where/"))
def test_the_json_lines_mirror(write, picture, label_file, folder, wrote):
    lines = [json.dumps({"ImageFile": wrote + id, "Label": label}) for id, label in LABELS.items()]
    files: dict[str, bytes | str] = {label_file: "\n".join(lines)}
    root = write(files | {folder + id: picture() for id in LABELS})
    assert [(s[0], s[2], s[4]) for s in read(root)[0]] == [(id, label, id) for id, label in LABELS.items()]


def test_bad_lines_and_bad_pictures_are_named_one_by_one(write, picture):
    files = official(picture, "")
    files["train/train_labels.txt"] = (
        b"train_0.jpg\tx\nno tab\nlatin.jpg\t\xe9\nnone.jpg\ta\n"
        b"../../secret.jpg\tb\nzero.jpg\tc\n/etc/x.jpg\td\n"
    )
    files["train/train_images/zero.jpg"] = b""
    root = write(files)
    (root.parent / "secret.jpg").write_bytes(picture())
    entries = []
    with open_files(root) as opened:
        reader = HME.open_split(opened, "train")
        for index in range(len(reader)):
            sample = reader[index]
            if isinstance(sample, Rejected):
                entries.append((sample.reason, sample.where))
                continue
            try:
                entries.append(sample.image.load()[1])
            except PictureError as error:
                entries.append((error.reason, error.where))
    assert entries == [
        "train_0.jpg",
        (RejectReason.MALFORMED_LINE, "train/train_labels.txt:2: not id<TAB>label"),
        (RejectReason.NOT_UTF8, "train/train_labels.txt:3"),
        (RejectReason.IMAGE_MISSING, "train/train_images/none.jpg"),
        (RejectReason.IMAGE_OUTSIDE_ROOT, "../../secret.jpg"),
        (RejectReason.IMAGE_UNREADABLE, "train/train_images/zero.jpg"),
        (RejectReason.IMAGE_OUTSIDE_ROOT, "/etc/x.jpg"),
    ]


def test_which_splits_are_there(write, picture):
    root = write(official(picture))
    with open_files(root) as files:
        assert HME.available(files) == ("train", "test")
        with pytest.raises(CorpusError, match=r"no split 'valid' in .*; there is: train, test"):
            HME.open_split(files, "valid")
    (root / "HME100K/test/test_labels.txt").unlink()
    with open_files(root) as files:
        assert HME.available(files) == ("train",)


def test_an_empty_split(write, picture):
    files = official(picture, "") | {"test/test_labels.txt": "\n"}
    with (
        open_files(write(files)) as opened,
        pytest.raises(CorpusError, match=r"test/test_labels\.txt") as caught,
    ):
        HME.open_split(opened, "test")
    assert "\n" not in str(caught.value)


@pytest.mark.corpora
def test_real_labels(corpora, write):
    data = (corpora / "hme100k" / "train_labels_59452.tsv").read_bytes()
    with open_files(write({"train/train_labels.txt": data})) as files:
        reader = HME.open_split(files, "train")
        assert len(reader) == 59_452
        assert not any(isinstance(reader[index], Rejected) for index in range(len(reader)))
