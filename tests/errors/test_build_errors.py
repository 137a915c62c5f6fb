"""A build takes several candidates a sample, fills up with synthetic ones, and adds clean rows; folds."""

import json
from hashlib import sha256

import pytest

from hmer_tasks.errors.markup import apply_corrections
from hmer_tasks.errors.noise.calibrate import fit_noise
from hmer_tasks.exceptions import NoiseError, UsageError
from hmer_tasks.latex.canonical import canonicalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.pipeline.folds import assign, write_folds
from tests.pipeline.conftest import make_hme100k, rows_of

COUNT = 30


@pytest.fixture
def corpus(tmp_path):
    """A folder of pictures with a label file; every label stands three times, once spelled otherwise."""
    from PIL import Image

    root = tmp_path / "mine"
    (root / "pictures").mkdir(parents=True)
    lines = []
    for number in range(COUNT):
        picture = Image.new("L", (40, 20), 200)
        picture.paste(40, (5, 5, 9, 15))
        picture.save(root / "pictures" / f"{number}.png")
        sign = r"\le" if number % 3 else r"\leq"
        lines.append(f"{number}.png\tx _ {{ {'abcdefghij'[number // 3]} }} {sign} y + 1\n")
    (root / "labels.tsv").write_text("".join(lines))
    return root


@pytest.fixture
def built(corpus, tmp_path):
    """The rows of a build, as dicts."""
    from pyarrow import parquet

    def run(**options):
        out = tmp_path / "out"
        build(BuildOptions("folder", corpus, out=out, workers=1, overwrite=True, **options))
        return [
            row for path in sorted(out.glob("data/*.parquet")) for row in parquet.read_table(path).to_pylist()
        ]

    return run


def test_clean_rows_say_that_nothing_is_wrong(built):
    rows = built(clean_share=0.4, seed=3)
    clean = [row for row in rows if row["candidate"] == row["label"]]
    assert 2 * 4 <= len(clean) <= 2 * 20
    assert len(rows) == 5 * COUNT + len(clean)
    for row in clean:
        assert row["marked"] == row["candidate"]
        target = row["completion"][0]["content"]
        log, _, label = target.rpartition("\n")
        assert (
            target == row["label"] if row["task"] == "error_detection" else (log, label) == ("", row["label"])
        )
    assert {row["id"] for row in clean} != {
        row["id"] for row in built(clean_share=0.4, seed=4) if row["candidate"] == row["label"]
    }
    assert all(row["candidate"] != row["label"] for row in built())


def test_every_mined_candidate_has_its_rows_and_the_rest_is_synthetic(built, tmp_path):
    label = to_label(parse(r"x _ { a } \leq y + 1"))
    wrong = [label.replace("+", "-"), label.replace("y", "g"), label.replace("y", "g")]
    lines = [
        {"img_id": "0.png", "gt": label, "pred": candidate, "sample": n} for n, candidate in enumerate(wrong)
    ]
    (tmp_path / "mined.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = built(errors=f"{tmp_path / 'mined.jsonl'},synthetic")
    mine = [row for row in rows if row["id"] == "0.png" and row["candidate"]]
    assert [row["candidate"] for row in mine] == [wrong[0], wrong[0], wrong[1], wrong[1]]
    others = [row for row in rows if row["id"] != "0.png" and row["candidate"]]
    assert len(others) == 2 * (COUNT - 1)
    for row in mine + others:
        if row["task"] == "error_correction":
            log, _, last = row["completion"][0]["content"].rpartition("\n")
            assert apply_corrections(row["marked"], log) == last == row["label"]


def test_a_share_that_cannot_be(built):
    with pytest.raises(UsageError, match="--clean-share"):
        built(clean_share=1.5)


def test_folds_keep_an_expression_on_one_side(corpus, tmp_path):
    options = BuildOptions("folder", corpus, seed=5)
    sizes = write_folds(options, 3, tmp_path / "folds.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "folds.jsonl").read_text().splitlines()]
    assert [list(line) for line in lines] == [["source", "id", "fold"]] * COUNT
    assert sizes == [sum(line["fold"] == fold for line in lines) for fold in range(3)]
    assert max(sizes) - min(sizes) <= 3
    labels = dict(line.split("\t") for line in (corpus / "labels.tsv").read_text().splitlines())
    sides: dict[str, set[int]] = {}
    for line in lines:
        sides.setdefault(canonicalize(labels[line["id"]]), set()).add(line["fold"])
    assert all(len(side) == 1 for side in sides.values())
    before = (tmp_path / "folds.jsonl").read_text()
    write_folds(options, 3, tmp_path / "folds.jsonl")
    assert (tmp_path / "folds.jsonl").read_text() == before
    with pytest.raises(UsageError, match="-k"):
        write_folds(options, 1, tmp_path / "folds.jsonl")


def test_folds_hold_what_a_build_holds(tmp_path):
    """Repaired labels too, and none of what it rejects."""
    root = make_hme100k(tmp_path / "HME100K", 6)
    labels = root / "train" / "train_labels.txt"
    lines = labels.read_text().split("\n")
    lines[1] = lines[1].split("\t")[0] + "\t\\begin {Cases} x \\end {CASES}"
    lines.insert(3, lines[3].split("\t")[0] + "\t")
    labels.write_text("\n".join(lines))
    for repair in (False, True):
        options = BuildOptions("hme100k", root, out=tmp_path / f"out-{repair}", repair=repair, workers=1)
        built = {(row["source"], row["id"]) for row in rows_of(build(options).out)}
        write_folds(options, 2, tmp_path / "folds.jsonl")
        inside = [json.loads(line) for line in (tmp_path / "folds.jsonl").read_text().splitlines()]
        assert {(line["source"], line["id"]) for line in inside} == built
        assert len(built) == 4 + repair


def test_folds_are_even_and_follow_the_seed():
    sizes = {f"label {number}": 1 + number % 5 for number in range(300)}
    fold_of = assign(sizes, 4, seed=0)
    filled = [sum(sizes[key] for key in sizes if fold_of[key] == fold) for fold in range(4)]
    assert max(filled) - min(filled) <= 5
    assert fold_of == assign(dict(reversed(sizes.items())), 4, seed=0)
    assert fold_of != assign(sizes, 4, seed=1)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A recogniser that reads every plus as a minus, measured."""
    folder = tmp_path_factory.mktemp("noise")
    lines = [f"{n}\t{'abcde'[n % 5]} + {n % 7}\t{'abcde'[n % 5]} - {n % 7}\n" for n in range(60)]
    (folder / "read.tsv").write_text("".join(lines))
    (folder / "noise.toml").write_text(fit_noise([folder / "read.tsv"]))
    return folder / "noise.toml"


def test_synthetic_candidates_err_as_the_noise_file_says(built, noise, tmp_path):
    candidates = [row["candidate"] for row in built(noise=noise) if row["task"] == "error_detection"]
    assert len(candidates) == COUNT and all(
        "-" in candidate and "+" not in candidate for candidate in candidates
    )
    made_by = json.loads((tmp_path / "out" / "build.json").read_text())["made_by"]
    assert made_by["arguments"]["noise"] == sha256(noise.read_bytes()).hexdigest()
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_bytes(noise.read_bytes())
    before = {path.name: path.read_bytes() for path in (tmp_path / "out" / "data").iterdir()}
    built(noise=elsewhere)  # the content counts, not the name
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "data").iterdir()} == before
    assert json.loads((tmp_path / "out" / "build.json").read_text())["made_by"] == made_by


def test_a_noise_file_that_cannot_be(built, noise, tmp_path):
    with pytest.raises(UsageError, match=r"--noise .*gone\.toml: no such file"):
        built(noise=tmp_path / "gone.toml")
    with pytest.raises(NoiseError, match="cannot read the noise file"):
        built(noise=tmp_path)
    (tmp_path / "mined.jsonl").write_text("")
    with pytest.raises(UsageError, match="--noise is for synthetic candidates"):
        built(noise=noise, errors=str(tmp_path / "mined.jsonl"))
    assert not (tmp_path / "out").exists()


def test_a_right_candidate_does_not_hide_that_no_wrong_one_is_there(built, tmp_path):
    label = to_label(parse(r"x _ { a } \leq y + 1"))
    line = {"img_id": "0.png", "gt": label, "pred": label.replace("+", "-")}
    (tmp_path / "mined.jsonl").write_text(json.dumps(line) + "\n")
    built(errors=str(tmp_path / "mined.jsonl"), clean_share=1.0)
    split = json.loads((tmp_path / "out" / "build.json").read_text())["splits"]["train"]
    assert (split["no_candidate"], split["clean"], split["samples"]) == (COUNT - 1, COUNT, COUNT)
    assert split["tasks"]["error_detection"] == COUNT + 1
    built(errors=str(tmp_path / "mined.jsonl"), tasks=("recognition",), clean_share=1.0)
    split = json.loads((tmp_path / "out" / "build.json").read_text())["splits"]["train"]
    assert (split["no_candidate"], split["clean"]) == (0, 0)


def test_candidates_of_another_corpus_are_not_passed_over(built, tmp_path, capsys):
    lines = [{"img_id": f"{name}.png", "gt": "x", "pred": "y"} for name in ("elsewhere", "0")]
    lines[1] |= {"gt": (label := next(iter(built()))["label"]), "pred": f"{label} + 1"}
    file = tmp_path / "other.jsonl"
    file.write_text(json.dumps(lines[0]) + "\n")
    with pytest.raises(UsageError, match="none of its 1 samples is of this corpus"):
        built(errors=f"{file},synthetic")
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    capsys.readouterr()
    built(errors=f"{file},synthetic")
    assert "1 of its 2 samples are not in the corpus" in capsys.readouterr().err
