"""M2E (JSON lines, several lines of mathematics) and CMER (name, tab, LaTeX)."""

import json

import pytest

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.corpora.label_files import RECORD
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason
from hmer_tasks.latex.normalize import normalize


def read(name, root, split):
    with open_files(root) as files:
        reader = CORPORA[name].open_split(files, split)
        assert reader.profile == "latex"
        return [reader[index] for index in range(len(reader))]


@pytest.mark.parametrize("keys", (("image", "label"), ("name", "tex")))
@pytest.mark.parametrize("home", ("", "M2E/"))
def test_m2e(write, picture, keys, home):
    lines = [
        {keys[0]: "1.jpg", keys[1]: "a = b \\\\ c = d"},
        {keys[0]: "2.jpg", keys[1]: "x"},
        {keys[0]: "3.jpg"},
    ]
    root = write(
        {
            f"{home}train.jsonl": "".join(json.dumps(line) + "\n" for line in lines),
            f"{home}test.jsonl": "{}\n",
            f"{home}images/1.jpg": picture(),
        }
    )
    good, lost, broken = read("m2e", root, "train")
    assert (good.id, good.source, good.image.load()) == ("1.jpg", "m2e/train", (picture(), "1.jpg"))
    assert normalize(good.label, "latex") == "a = b \\\\ c = d"
    with pytest.raises(PictureError) as caught:
        lost.image.load()
    assert caught.value.reason is RejectReason.IMAGE_MISSING
    assert isinstance(broken, Rejected)
    assert (broken.reason, broken.where) == (
        RejectReason.MALFORMED_LINE,
        f"{home}train.jsonl:3: not {RECORD}",
    )
    with open_files(root) as files:
        assert CORPORA["m2e"].available(files) == ("train", "test")


def test_m2e_without_labels(write):
    root = write({"train.jsonl": ""})
    with open_files(root) as files, pytest.raises(CorpusError, match="holds no labels"):
        CORPORA["m2e"].open_split(files, "train")


@pytest.mark.parametrize(
    ("labels", "pictures", "split"),
    (
        ("train_labels.txt", "", "train"),
        ("cmer_train_image/train_labels.txt", "cmer_train_image/", "train"),
        ("cmer_test/eval_labels.txt", "cmer_test/images/", "eval"),
        ("complex/labels.txt", "complex/", "complex"),
        ("easy.txt", "easy/", "easy"),
    ),
)
def test_cmer(write, picture, labels, pictures, split):
    name = "00000000__35270b0175.png"
    latex = r"\begin{equation}{\cal D}=\frac{N}{p\bar{\ell}_{s}^{2}\rho_{0}}\end{equation}"
    root = write({labels: f"{name}\t{latex}\nno tab\n", f"{pictures}{name}": picture(format="PNG")})
    good, broken = read("cmer", root, split)
    assert (good.id, good.source, good.image.load()[1]) == (name, f"cmer/{split}", name)
    assert normalize(good.label, "latex").startswith("{ \\cal D } = \\frac { N } { p \\bar { \\ell }")
    assert (broken.reason, broken.where) == (RejectReason.MALFORMED_LINE, f"{labels}:2: not id<TAB>label")
