"""Real expressions put together anew: labels that parse, ink that agrees with them, the same every time."""

import io
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from PIL import Image

from hmer_tasks.corpora import Sample, samples
from hmer_tasks.corpora.recombined import recombined
from hmer_tasks.exceptions import CorpusError
from hmer_tasks.handwriting.boxes import Cell, cells_of
from hmer_tasks.handwriting.compose import composed, extent_of
from hmer_tasks.handwriting.parts import INKLESS, expression_of, extent, read_documents
from hmer_tasks.handwriting.recombine import Recombiner, terms
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.handwriting.writing import write_inkml
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.storage.opening import open_files

LABELS = [
    "x ^ { 2 } + y _ { 1 } = \\frac { a } { b }",
    "\\frac { 3 } { n + 1 } = \\sqrt { c }",
    "\\sum _ { i = 1 } ^ { n } i = 7",
    "( \\frac { a } { 2 } + 3 ) ^ { k } = 5",
    "\\sqrt { x + 1 } = y ^ { n }",
    "4 \\leq x _ { 2 } + z",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Ink of three writers of ours, as InkML with symbol groups."""
    folder = tmp_path_factory.mktemp("ink")
    for number in range(24):
        label = LABELS[number % len(LABELS)]
        data = write_inkml(label, writer(number % 3), number, f"ink-{number}")
        (folder / f"ink-{number:02d}.inkml").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def recombiner(root):
    with open_files(root) as files:
        expressions = [
            expression_of(document) for document in read_documents(files, files.names(suffix=".inkml"))
        ]
    assert all(expressions)
    return Recombiner([expression for expression in expressions if expression is not None])


def rows(root, **settings):
    drawn = list(samples(recombined(**settings), root, "train"))
    assert all(isinstance(row, Sample) for row in drawn)
    return drawn


def test_expressions_have_ink_for_every_inked_node(recombiner):
    for expression in recombiner.expressions:
        assert set(expression.strokes) == {c.number for c in expression.cells if c.symbol not in INKLESS}
        heights = [box[3] - box[1] for number, box in expression.extents.items() if
                   expression.cells[number].symbol.isdigit()]  # fmt: skip
        assert all(30 < height < 220 for height in heights)


def test_labels_are_sound_new_and_their_nodes_are_inked(recombiner):
    labels = set()
    for number in range(200):
        plan = recombiner.plan(keyed("test", number))
        assert to_label(parse(plan.label)) == plan.label
        labels.add(plan.label)
        _, cells, _ = cells_of(parse(plan.label))
        inked = {piece.number for piece in composed(plan.slot)}
        assert inked == {cell.number for cell in cells if cell.symbol not in INKLESS}
    assert len(labels - set(LABELS)) > 100


def boxes_of(plan) -> dict[int, tuple[float, float, float, float]]:
    return {piece.number: extent(piece.strokes) for piece in composed(plan.slot)}


def test_relations_are_told_by_where_the_ink_is(recombiner):
    """What stands on a bar is over it, what stands in a root under its roof, scripts beside their base."""
    checked = 0
    for number in range(150):
        plan = recombiner.plan(keyed("places", number))
        boxes = boxes_of(plan)
        _, cells, _ = cells_of(parse(plan.label))

        def under(line: list[Cell], boxes=boxes) -> np.ndarray:
            extents: list[tuple[float, ...]] = []
            lines = [line]
            while lines:
                for cell in lines.pop():
                    extents += [boxes[cell.number]] if cell.number in boxes else []
                    lines += [child for _, child in cell.children]
            return np.array(extents)

        for cell in cells:
            if cell.symbol == "\\frac":
                left, top, right, bottom = boxes[cell.number]
                above, below = under(cell.child("above")), under(cell.child("below"))
                assert above[:, 3].max() < bottom + 6
                assert below[:, 1].min() > top - 6
                for part in (above, below):
                    assert part[:, 0].min() > left - 25
                    assert part[:, 2].max() < right + 25
                checked += 1
            elif cell.symbol == "\\sqrt":
                inside = under(cell.child("above"))
                assert inside[:, 2].max() < boxes[cell.number][2] + 40
                assert inside[:, 1].min() > boxes[cell.number][1] - 10
                checked += 1
            elif cell.child("sup") is not None and cell.number in boxes and cell.symbol != "\\sum":
                assert under(cell.child("sup"))[:, 0].min() > boxes[cell.number][0]
                checked += 1
    assert checked > 100


def test_terms_close_their_brackets():
    line, _, _ = cells_of(parse("( a = b ) + c = d"))
    assert terms(line) == [(0, 7), (8, 9)]


def test_what_is_not_exchanged_keeps_its_place(recombiner, monkeypatch):
    for name in ("EXCHANGED", "TERMS", "RENAMED"):
        monkeypatch.setattr(f"hmer_tasks.handwriting.recombine.{name}", 0.0)
    monkeypatch.setattr("hmer_tasks.handwriting.recombine.RECOPIED", -1.0)
    for number in range(20):
        plan = recombiner.plan(keyed("kept", number))
        source = plan.slot.source
        pieces = composed(plan.slot)
        assert extent([stroke for piece in pieces for stroke in piece.strokes]) == pytest.approx(
            extent_of(source, source.line)
        )


def draw_one(given):
    root, index = given
    row = rows(root, count=12, look="photo", seed=3)[index]
    return row.id, row.label, row.image.load()[0]


def test_any_worker_in_any_order_writes_the_same(root):
    plain = [(row.id, row.label, row.image.load()[0]) for row in rows(root, count=12, look="photo", seed=3)]
    with ProcessPoolExecutor(2) as pool:
        assert list(pool.map(draw_one, [(root, index) for index in reversed(range(12))])) == plain[::-1]
    longer = rows(root, count=20, look="photo", seed=3)
    assert [row.label for row in longer[:12]] == [label for _, label, _ in plain]
    assert [row.label for row in rows(root, count=12, seed=4)] != [label for _, label, _ in plain]


def test_pictures_are_dark_on_light_and_ink_can_be_read_back(root):
    for row in rows(root, count=8):
        image = Image.open(io.BytesIO(row.image.load()[0]))
        assert (image.format, image.mode, image.getpixel((0, 0))) == ("PNG", "L", 255)
        assert image.getextrema()[0] == 0
        (root.parent / "again").mkdir(exist_ok=True)
        (root.parent / "again" / f"{row.id}.inkml").write_bytes(row.image.document())
    with open_files(root.parent / "again") as files:
        for document in read_documents(files, files.names(suffix=".inkml")):
            assert expression_of(document) is not None


def test_like_draws_the_lengths_of_a_file(root, tmp_path):
    like = tmp_path / "labels.tsv"
    like.write_text("".join(f"{i}\t{label}\n" for i, label in enumerate(["x = 1", "y + 2"] * 20)))
    short = [len(row.label.split()) for row in rows(root, count=40, like=like)]
    free = [len(row.label.split()) for row in rows(root, count=40)]
    assert np.mean(short) < 0.8 * np.mean(free)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"count": 0}, "--count must be at least 1"), ({"look": "oil"}, "unknown look 'oil'")],
)
def test_settings_that_make_no_corpus(settings, says):
    with pytest.raises(CorpusError, match=says):
        recombined(**settings)


def test_a_root_without_groups_is_an_error_of_one_line(tmp_path):
    plain = '<ink xmlns="http://www.w3.org/2003/InkML"><trace>0 0, 1 1</trace></ink>'
    (tmp_path / "plain.inkml").write_text(plain)
    with pytest.raises(CorpusError, match="1 InkML files, 0 of them with symbol groups"):
        list(samples(recombined(), tmp_path, "train"))


@pytest.mark.corpora
def test_nearly_all_of_crohme_agrees_with_its_ink(corpora):
    with open_files(corpora / "crohme" / "test2014_inkml.tar.xz") as files:
        names = files.names(suffix=".inkml")[::4]
        documents = list(read_documents(files, names))
    assert len(documents) > 0.98 * len(names)
    expressions = [expression for expression in map(expression_of, documents) if expression is not None]
    assert len(expressions) > 0.93 * len(documents)
    recombiner = Recombiner(expressions)
    for number in range(100):
        plan = recombiner.plan(keyed("real", number))
        assert to_label(parse(plan.label)) == plan.label
        assert all(np.isfinite(stroke).all() for piece in composed(plan.slot) for stroke in piece.strokes)
