"""An audit of made-up corpora whose every duplicate is known, and of real labels whose counts are."""

import io
import json
import random

import pytest
from PIL import Image
from typer.main import get_command

from hmer_tasks.audit import AuditOptions, audit
from hmer_tasks.audit.audit import kinds_named, write_findings
from hmer_tasks.audit.findings import Kind
from hmer_tasks.audit.sides import SideOptions
from hmer_tasks.cli.app import app
from hmer_tasks.cli.outputs import DROPPED as DROPPED_NAMES
from hmer_tasks.exceptions import UsageError
from hmer_tasks.pipeline import BuildOptions, build
from tests.fixtures import pack_folder
from tests.pipeline.conftest import one_line, rejects_of, rows_of, run_command, summary_of

DROPPED = kinds_named(DROPPED_NAMES)
LONG = "a + b + c + d + e + f"


def drawing(seed):
    """A picture that is like no other: a few dark bars."""
    image, chance = Image.new("L", (120, 60), 255), random.Random(seed)
    for _ in range(12):
        left, top = chance.randrange(110), chance.randrange(50)
        image.paste(0, (left, top, left + chance.randrange(4, 30), top + chance.randrange(2, 9)))
    return image


def encoded(image, format="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, format, quality=60)
    return buffer.getvalue()


# id, label, picture. What leaks is said on the right.
TRAIN = (
    ("t0.png", "x ^ 2 + 1", drawing(0)),  # same label as s0, unbraced here
    ("t1.png", "a \\le b", drawing(1)),  # s1 spells it \leq
    ("t2.png", LONG, drawing(2)),  # s2 ends in another letter
    ("t3.png", "q", drawing(3)),  # s3 has its picture, as JPEG
    ("t4.png", "z + 1", drawing(4)),
    ("t5.png", "z + 2", drawing(4)),  # the picture of t4 with another label
    ("t6.png", "z + 1", drawing(6)),  # the label of t4
    ("t7.png", "w", drawing(7)),
    ("t8.png", "\\frac { 1 }", drawing(8)),  # refused
)
TEST = (
    ("s0.png", "x ^ { 2 } + 1", drawing(100)),
    ("s1.png", "a \\leq b", drawing(101)),
    ("s2.png", LONG.replace("f", "g"), drawing(102)),
    ("s3.png", "p", Image.open(io.BytesIO(encoded(drawing(3), "JPEG")))),
    ("s4.png", "\\Omega", drawing(104)),  # a token of its own
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("audit") / "HME100K"
    for split, samples in (("train", TRAIN), ("test", TEST)):
        folder = root / split / f"{split}_images"
        folder.mkdir(parents=True)
        for id, _, image in samples:
            (folder / id).write_bytes(encoded(image))
        lines = "".join(f"{id}\t{label}\n" for id, label, _ in samples)
        (root / split / f"{split}_labels.txt").write_text(lines)
    return root


def options(root, **changes):
    sides = (SideOptions("hme100k", root, (split,)) for split in ("train", "test"))
    return AuditOptions(*sides, **{"workers": 1, **changes})


def found_by(given):
    kinds: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for finding in given.findings:
        kinds.setdefault(str(finding.kind), []).append((finding.id, finding.with_))
    return kinds


WANTED = {
    "same_label": [("t0.png", ("hme100k/test/s0.png",))],
    "same_spelling": [("t1.png", ("hme100k/test/s1.png",))],
    "near_label": [("t2.png", ("hme100k/test/s2.png",))],
    "same_picture": [("t3.png", ("hme100k/test/s3.png",))],
    "duplicate_picture": [("t5.png", ("t4.png",))],
    "duplicate_label": [("t6.png", ("t4.png",))],
    "conflicting_picture": [("t4.png", ("t5.png",)), ("t5.png", ("t4.png",))],
}


@pytest.mark.parametrize("kind", ("folder", "zip", "tar.xz"))
def test_every_finding_and_no_other(root, kind):
    """From a folder, and from archives, whatever the number of workers."""
    place = root if kind == "folder" else pack_folder(root, kind)
    findings = audit(options(place, workers=1 if kind == "folder" else 2))
    assert found_by(findings) == WANTED
    assert [side.samples for side in findings.sides] == [9, 5]
    assert findings.sides[0].refused == {"missing_argument": 1}
    leaks = {name: (entry.left, entry.right) for name, entry in findings.leaks.items()}
    assert leaks == {
        "as written": (0, 0),
        "explicit form": (1, 1),
        "standard spelling": (2, 2),
        "near": (1, 1),
    }
    assert findings.pictures is not None
    assert (findings.pictures.left, findings.pictures.right, findings.pictures.pixels) == (1, 1, 0)
    assert findings.pictures.conflicts == 1
    assert findings.only[1] == {"\\Omega": 1, "g": 1, "p": 1, "\\leq": 1}
    assert findings.samples_with_only[1] == 4
    assert (findings.style.joined, findings.style.needed) == (1, {"\\le → \\leq": 1})


def test_what_may_be_left_out(root):
    assert {str(kind) for kind in WANTED if Kind(kind) in DROPPED} < set(WANTED)
    labels = SideOptions(labels=(root / "train/train_labels.txt",))
    alone = audit(AuditOptions(labels, workers=1))
    assert found_by(alone) == {"duplicate_label": WANTED["duplicate_label"]}
    assert (alone.leaks, alone.pictures, alone.pictures_within) == ({}, None, [None])
    assert "near_label" not in found_by(audit(options(root, distance=0)))
    assert "same_picture" not in found_by(audit(options(root, pictures=False)))


def test_build_drops_what_was_found(root, tmp_path):
    """The file goes into `build --exclude`: named, counted, and part of what the build is made of."""
    findings = audit(options(root))
    file = tmp_path / "drop.jsonl"
    assert write_findings(findings, file, DROPPED) == 4
    first = json.loads(file.read_text().split("\n")[0])
    assert first == {
        "source": "hme100k/train",
        "id": "t0.png",
        "reason": "same_label",
        "with": ["hme100k/test/s0.png"],
    }
    base = {"root": root, "tasks": ("recognition",), "workers": 1}
    out = build(BuildOptions("hme100k", out=tmp_path / "out", exclude=file, **base)).out
    assert {row["id"] for row in rows_of(out)} == {"t2.png", "t4.png", "t6.png", "t7.png"} | {
        id for id, _, _ in TEST
    }
    excluded = {entry["id"]: entry["where"] for entry in rejects_of(out) if entry["reason"] == "excluded"}
    assert excluded == {
        "t0.png": "same_label",
        "t1.png": "same_spelling",
        "t3.png": "same_picture",
        "t5.png": "duplicate_picture",
    }
    summary = summary_of(out)
    assert summary["rejected"] == {"excluded": 4, "missing_argument": 1}
    assert len(str(summary["made_by"]["arguments"]["exclude"])) == 64
    again = audit(AuditOptions(SideOptions("folder", _as_folder(out, tmp_path)), workers=1))
    assert "duplicate_picture" not in found_by(again)


def _as_folder(out, tmp_path):
    """A build's train rows as a folder corpus."""
    folder = tmp_path / "again"
    folder.mkdir()
    rows = [row for row in rows_of(out) if row["source"] == "hme100k/train"]
    for row in rows:
        (folder / row["id"]).write_bytes(row["images"][0]["bytes"])
    (folder / "labels.tsv").write_text("".join(f"{row['id']}\t{row['gt']}\n" for row in rows))
    return folder


def test_an_exclusion_file_of_plain_labels(root, tmp_path):
    """It knows no source, and leaves an id out of whatever split holds it."""
    sides = (SideOptions(labels=(root / f"{split}/{split}_labels.txt",)) for split in ("train", "test"))
    file = tmp_path / "drop.jsonl"
    assert write_findings(audit(AuditOptions(*sides, workers=1)), file, DROPPED) == 2
    options = BuildOptions("hme100k", root, out=tmp_path / "out", tasks=("counting",), exclude=file)
    assert build(options).summary["rejected"]["excluded"] == 2


def test_the_valid_side_leaves_out_the_same(root, tmp_path):
    file = tmp_path / "drop.jsonl"
    file.write_text('{"id": "t0.png"}\n')
    built = build(
        BuildOptions(
            "hme100k", root, ("train",), tmp_path / "out", exclude=file, valid_share=0.5, tasks=("counting",)
        )
    )
    assert built.summary["rejected"]["excluded"] == 1
    assert "t0.png" not in {row["id"] for row in rows_of(built.out)}
    assert [entry["where"] for entry in rejects_of(built.out) if entry["id"] == "t0.png"] == ["asked for"]


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("{}\n", ':1: not a JSON object with an "id"'),
        ('{"id": "t0.png"}\nt1.png\n', ":2: not a JSON object"),
        ('{"id": "t0.png", "source": 3}\n', ":1: source and reason must be texts"),
        ('{"id": "other.png"}\n', "none is of hme100k/train"),
        ("\udcff", "not UTF-8 (byte 0)"),
        (None, "No such file"),
    ),
)
def test_a_file_that_is_none(root, tmp_path, text, message):
    file = tmp_path / "drop.jsonl"
    if text is not None:
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as caught:
        build(BuildOptions("hme100k", root, ("train",), tmp_path / "out", exclude=file))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "build.json").exists()


def test_ids_that_the_corpus_lacks_are_told_in_a_line(root, tmp_path):
    file = tmp_path / "drop.jsonl"
    lines = ('{"id": "t0.png"}', '{"source": "hme100k/train", "id": "gone\\n.png"}')
    file.write_text("\n".join((*lines, '{"source": "crohme/train", "id": "x"}')))
    words = ("--root", root, "--split", "train", "--tasks", "counting", "--exclude", file)
    done = run_command("build", "--dataset", "hme100k", *words, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "1 of 3 samples are not in the corpus" in done.stderr


def test_the_command(root, tmp_path):
    words = ("audit", "--dataset", "hme100k", "--root", root, "--split", "train", "--against", "hme100k")
    words = (*words, "--against-split", "test", "--workers", 1)
    done = run_command(*words, "-o", tmp_path / "new/drop.jsonl", "--drop", "same_label,near_label")
    assert done.returncode == 0, done.stderr
    assert "2 samples of hme100k/train for build --exclude" in done.stdout
    assert "\\le → \\leq" in done.stdout
    assert len((tmp_path / "new/drop.jsonl").read_text().splitlines()) == 2
    as_json = json.loads(run_command(*words, "--json").stdout)
    assert as_json["findings"] == {kind: len(findings) for kind, findings in WANTED.items()}
    assert as_json["both_sides"]["standard spelling"] == {"left": 2, "right": 2, "distinct": 2}


def own_table(folder, name, labels):
    """A table of which nobody can guess which column is the label, with its pictures."""
    folder.mkdir(exist_ok=True)
    lines = ["pic,formula,latex,nr"]
    for number, label in enumerate(labels):
        Image.new("L", (40, 20), 255 if number % 2 else 250).save(folder / f"{name}{number}.png")
        lines.append(f"{name}{number}.png,{label},written by {number},{name}-{number}")
    (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / f"{name}.csv"


@pytest.mark.parametrize("kind", ("folder", "labels", "predictions"))
def test_columns_of_own_tables(tmp_path, kind):
    train = own_table(tmp_path / "train", "a", ["x^2", r"\frac{1}{2}", "y"])
    test = own_table(tmp_path / "test", "b", ["z", r"\frac12", "x ^ { 2 }"])
    columns = ("--columns", "image=pic,label=formula,id=nr")
    if kind == "predictions":
        read = tmp_path / "read.jsonl"
        lines = ({"img_id": "a-0", "gt": "", "pred": "x ^ { 2 }"}, {"img_id": "a-2", "gt": "", "pred": "g"})
        read.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        done = run_command(
            "audit", "--predictions", read, "--dataset", "folder", "--root", train.parent, *columns, "--json"
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["no_reading_right"] == 1
        return
    sides: tuple[object, ...] = ("--dataset", "folder", "--root", train.parent, "--against", "folder")
    sides = (*sides, "--against-root", test.parent)
    if kind == "labels":
        sides = ("--labels", train, "--against-labels", test)
    words = ("audit", *sides, "--no-pictures", "--workers", 1, "--json")
    done = run_command(*words, *columns)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["both_sides"]["explicit form"] == {"left": 2, "right": 2, "distinct": 2}
    assert "choose with --columns" in one_line(run_command(*words))


@pytest.mark.parametrize(
    ("words", "message"),
    (
        ((), "name a corpus"),
        (("--dataset", "sample", "--columns", "label=x"), "--columns is for your own tables"),
        (("--dataset", "folder", "--columns", "text=x"), "no role 'text'"),
        (("--dataset", "hme10k"), "did you mean hme100k"),
        (("--dataset", "sample", "--labels", "x.tsv"), "not both"),
        (("--labels", "gone.tsv"), "no such label file"),
        (("--root", "x"), "--root goes with --dataset"),
        (("--labels", "x.tsv", "--against-root", "x"), "--against-root goes with --against"),
        (("--dataset", "sample", "--near", "3"), "0, 1 or 2"),
        (("--dataset", "sample", "--drop", "same"), "no finding is called 'same'"),
        (("--dataset", "sample", "--drop", ","), "names nothing"),
        (("--dataset", "hme100k", "--against", "hme100k"), "hme100k/train stands on both sides"),
        (("--dataset", "sample", "--split", "test"), "it has train"),
    ),
)
def test_wrong_usage_is_a_line(root, words, message):
    if words[:2] == ("--dataset", "hme100k"):
        words = (*words, "--root", str(root))
    with pytest.raises(UsageError) as caught:
        get_command(app).main(["audit", *words], standalone_mode=False)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_usage_ends_with_its_code():
    assert "name a corpus" in one_line(run_command("audit"), code=2)


def test_partners_are_counted_when_they_are_many(tmp_path):
    (tmp_path / "a.tsv").write_text("one\tx + y\n")
    (tmp_path / "b.tsv").write_text("".join(f"{n}\tx + y\n" for n in range(25)))
    sides = (SideOptions(labels=(tmp_path / name,)) for name in ("a.tsv", "b.tsv"))
    [finding] = audit(AuditOptions(*sides, workers=1)).findings
    assert finding.as_json() == {
        "source": "",
        "id": "one",
        "reason": "same_label",
        "with": tuple(str(n) for n in range(10)),
        "more": 15,
    }


def test_kinds_named():
    assert kinds_named("near_label, same_label") == (Kind.NEAR_LABEL, Kind.SAME_LABEL)


def test_hme100k(corpora):
    """The known leak: 2,618 of these 12,304 test labels stand in train."""
    names = ("train_labels_59452.tsv", "test_half_a.tsv")
    sides = [SideOptions(labels=(corpora / "hme100k" / name,)) for name in names]
    findings = audit(AuditOptions(*sides, distance=0))
    assert [side.samples for side in findings.sides] == [59_452, 12_304]
    assert findings.leaks["as written"].right == findings.leaks["explicit form"].right == 2_618
    assert findings.leaks["standard spelling"].right == 2_619


def test_an_audit_that_met_nothing_excludes_nothing(root, tmp_path):
    file = tmp_path / "drop.jsonl"
    file.write_text("")
    built = build(BuildOptions("hme100k", root, ("train",), tmp_path / "out", exclude=file))
    assert "excluded" not in built.summary["rejected"]


def folder_of(root, samples):
    """A folder of pictures with a label file."""
    root.mkdir()
    for id, _, image in samples:
        (root / id).write_bytes(encoded(image))
    (root / "labels.tsv").write_text("".join(f"{id}\t{label}\n" for id, label, _ in samples))
    return SideOptions("folder", root)


def test_the_picture_of_a_refused_label_is_compared_too(tmp_path):
    train = folder_of(tmp_path / "a", [("a.png", "x", drawing(1)), ("b.png", "\\frac { 1 }", drawing(2))])
    test = folder_of(tmp_path / "b", [("c.png", "\\frac { 1", drawing(1)), ("d.png", "y", drawing(2))])
    result = audit(AuditOptions(train, test, workers=1))
    assert found_by(result)["same_picture"] == [("a.png", ("c.png",)), ("b.png", ("d.png",))]
    assert result.pictures is not None and result.pictures.conflicts == 0
    assert write_findings(result, tmp_path / "leaks.jsonl", DROPPED) == 2


def test_a_repeated_id_is_no_second_sample(tmp_path):
    side = folder_of(tmp_path / "a", [("a.png", "x", drawing(1)), ("b.png", "y", drawing(2))])
    (tmp_path / "a" / "labels.tsv").write_text("a.png\tx\nb.png\ty\na.png\tx\n")
    result = audit(AuditOptions(side, workers=1))
    assert result.sides[0].refused == {"duplicate_id": 1} and not result.findings


def test_pictures_that_nearly_agree_under_other_labels_are_no_duplicates(tmp_path):
    """`26` and `28` in print: a conflict to be looked at, and no copy to drop."""
    other = drawing(1)
    other.paste(0, (0, 0, 3, 2))
    side = folder_of(
        tmp_path / "a", [("a.png", "x", drawing(1)), ("b.png", "y", other), ("c.png", "x", other)]
    )
    kinds = found_by(audit(AuditOptions(side, workers=1)))
    assert kinds["duplicate_picture"] == [("c.png", ("b.png",))]  # equal pixel for pixel
    assert {id for id, _ in kinds["conflicting_picture"]} == {"a.png", "b.png", "c.png"}


def test_raw_labels_of_a_file_and_a_link_to_it(tmp_path):
    (tmp_path / "raw.tsv").write_text("1\t$x^2+\\frac12$\n")
    (tmp_path / "tokens.tsv").write_text("2\tx ^ { 2 } + \\frac { 1 } { 2 }\n")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "raw.tsv").symlink_to(tmp_path / "raw.tsv")
    sides = (
        SideOptions(labels=(tmp_path / name,), profile="latex") for name in ("links/raw.tsv", "tokens.tsv")
    )
    assert audit(AuditOptions(*sides, workers=1)).leaks["explicit form"].left == 1
