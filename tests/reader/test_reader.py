"""The reader on a CPU: its network is transformers', its drawings are a build's, its runs go on."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from bench.reader_ablation import (
    DONE,
    SAME,
    SOURCES,
    difference,
    done_runs,
    recipe_of,
    table,
    table_by_length,
)
from bench.reader_ablation import TASKS as ARMS
from bench.reader_curves import points
from bench.reader_intervals import TITLES
from bench.reader_intervals import draw as draw_intervals
from bench.reader_novelty import distances, expected
from examples.reader.__main__ import RECIPE as READER_CPU
from examples.reader.__main__ import parts_of
from examples.reader.drawing import STILL, Geometry, Jitter, draw
from examples.reader.fold import held_out
from examples.reader.forward import Network, cast
from examples.reader.ink import InkStore, alone_label, is_held, pen, save, write_source
from examples.reader.model import Size, make, make_tokenizer
from examples.reader.recipe import Recipe, Stage, read_recipe
from examples.reader.rows import Batch, Drawer, batches, drawn_rows, source_of
from examples.reader.tasks import read_mistakes, texts_of
from examples.reader.train import Training, refuse_other_recipe
from hmer_tasks.exceptions import UsageError
from hmer_tasks.handwriting import strokes as builds
from hmer_tasks.handwriting.writer import keyed, writer
from hmer_tasks.handwriting.writing import write_ink
from hmer_tasks.tasks.prompts import prompt_set
from tests.conftest import REPOSITORY
from trainer.decoding import GREEDY, Question, Sampling, answer

TINY = Size(width=64, layers=2, heads=2, vision_width=64, vision_layers=2, vision_heads=2, patch=8, most=30)
TASKS = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")


@pytest.fixture(scope="module")
def ink(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ink")
    write_source("pen-alone", None, folder, count=40, longest=8, seed=0)
    return folder


def store_of(ink: Path) -> InkStore:
    return InkStore(ink / "pen-alone-8-40-0.npz")


@pytest.mark.parametrize(("rows", "columns"), [(1, 4), (3, 5)])
def test_the_network_is_that_of_transformers(ink: Path, rows: int, columns: int) -> None:
    model, processor = make(TINY, store_of(ink).labels)
    model.eval()
    side = TINY.geometry.factor
    pixels = np.random.default_rng(0).integers(0, 256, (2, rows * side, columns * side)).astype(np.uint8)
    turns = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": prompt_set("uni-mumer")["recognition"]}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "a + b"}]},
    ]
    text = processor.apply_chat_template(turns, tokenize=False)
    pictures = [[Image.fromarray(255 - picture).convert("RGB")] for picture in pixels]
    batch = processor(images=pictures, text=[text] * 2, return_tensors="pt")
    ids = torch.cat([batch["input_ids"][:, :1], batch["input_ids"][:, 1 + rows * columns :]], dim=1)
    with torch.no_grad():
        wanted = model(**batch).logits[:, -5:]
        network, weights = Network(model, TINY), cast(model, torch.float32)
        got = network.read(weights, network.see(weights, torch.from_numpy(pixels)), (rows, columns), ids, 5)
    assert (got - wanted).abs().max() < 0.01 * wanted.abs().max()


def test_a_row_of_any_task_comes_back_from_its_tokens() -> None:
    labels = [r"\frac { a ^ { 2 } } { b }", r"\sqrt { x } + 1", "a b", r"\{ 2 \}"]
    rows = [pair for rows in texts_of(labels, TASKS, 0) for pair in rows]
    tokenizer = make_tokenizer([text for pair in rows for text in pair], 2048)
    for prompt, target in rows:
        ids = tokenizer(target, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == target
        assert len(tokenizer(prompt, add_special_tokens=False)["input_ids"]) < 40
    for label in labels:
        assert len(tokenizer(label, add_special_tokens=False)["input_ids"]) == len(label.split())
    assert len(tokenizer(prompt_set("uni-mumer")["recognition"])["input_ids"]) == 1


def test_a_still_drawing_is_what_the_processor_makes_of_a_build_picture() -> None:
    """The same size, and as like as two drawings of one ink can be."""
    size = Size()
    _, processor = make(size, ["x"])
    for index, label in enumerate(["x ^ { 2 }", r"\frac { a } { b + 1 }", "3 + 4 = 7", r"\sqrt { 2 }"]):
        written, cells = write_ink(label, writer(index), index)
        lines = [[(float(x), float(y)) for x, y in stroke] for stroke in written.strokes]
        picture = Image.open(io.BytesIO(builds.png(builds.draw(lines)))).convert("RGB")
        pixels = processor.image_processor(images=[picture], return_tensors="np")
        rows, columns = (pixels["image_grid_thw"][0][1:] // size.merge).tolist()
        counts = np.array([len(stroke) for stroke in written.strokes])
        numbers = np.arange(len(counts))
        points = np.concatenate(written.strokes).astype(np.float32)
        drawn = draw(points, counts, numbers, size.geometry, STILL, np.random.default_rng(0))
        assert (drawn.rows, drawn.columns) == (rows, columns)
        shown = pixels["pixel_values"].reshape(
            rows, columns, size.merge, size.merge, 3, 2, size.patch, size.patch
        )[:, :, :, :, 0, 0]
        shown = shown.transpose(0, 2, 4, 1, 3, 5).reshape(drawn.ink.shape)
        assert np.corrcoef(shown.ravel(), -drawn.ink.astype(float).ravel())[0, 1] > 0.9
        assert len(cells) and drawn.shares.max() <= 1


def test_ink_comes_back_from_its_store(tmp_path: Path) -> None:
    samples = list(pen(alone_label, 8, 5, 3))
    save(tmp_path / "some.npz", samples)
    store = InkStore(tmp_path / "some.npz")
    assert store.labels == [sample.label for _, sample in samples]
    for index, (_, sample) in enumerate(samples):
        points, counts, symbols = store.strokes(index)
        assert len(counts) == len(sample.strokes) and counts.sum() == len(points)
        assert [store.symbols[symbol] for symbol in symbols] == sample.symbols
        every = np.concatenate(sample.strokes)
        assert np.allclose(np.ptp(points, axis=0), np.ptp(every, axis=0), atol=0.02)


def test_batches_hold_pictures_of_one_size_and_ask_for_every_answer(ink: Path) -> None:
    store = store_of(ink)
    tokenizer = make_tokenizer(store.labels, 600)
    source = source_of(ink / "pen-alone-8-40-0.npz", tokenizer, texts_of(store.labels, ("recognition",), 0))
    rng = np.random.default_rng(0)
    rows = drawn_rows({"pen": source}, {"pen": 1.0}, Geometry(14, 2, 4, 30), Jitter(), rng)
    drawn: list[Batch] = []
    for batch in batches(rows, 300, tokenizer.pad_token_id, rng):
        drawn.append(batch)
        if len(drawn) == 10:
            break
    answers = set()
    for batch in drawn:
        assert batch.ink.shape[1:] == (batch.grid[0] * 28, batch.grid[1] * 28)
        assert batch.wanted.shape[1] <= batch.ids.shape[1]
        for wanted, ids in zip(batch.wanted, batch.ids, strict=True):
            asked = wanted[wanted >= 0]
            assert tokenizer.decode(asked[-1:]) == "<|im_end|>"
            answers.add(tokenizer.decode(asked[:-1]))
            start = len(ids) - len(wanted) + int(np.argmax(wanted >= 0))
            assert ids[start + 1 : start + 1 + len(asked)].tolist() == asked.tolist()
        assert batch.cells[:, 1].max() < batch.grid[0] * batch.grid[1]
    assert answers <= set(store.labels) and len(answers) > 5


def test_a_run_goes_on_and_what_it_saves_reads_as_it_does(ink: Path, tmp_path: Path) -> None:
    name = "pen-alone-8-40-0"
    stages = (Stage(2, {"pen": 1.0}, answers=False, dense=1.0), Stage(4, {"pen": 1.0}))
    recipe = Recipe(TINY, {"pen": name}, stages, held=name, budget=200, accumulate=1, warmup=1)
    first = Training(recipe, ink, tmp_path)
    first.train(0.0)
    assert first.step == 0
    first.stopped = True
    first.train(30.0)
    assert first.step == 0
    first.stopped = False
    first.train(30.0)
    assert first.step == 6
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 6 and 0 <= lines[-1]["exprate"] <= 100
    (tmp_path / "recipe.json").write_text(json.dumps(asdict(recipe)))
    refuse_other_recipe(recipe, tmp_path)
    with pytest.raises(SystemExit, match=r"a run of another recipe \(rate changed\)"):
        refuse_other_recipe(replace(recipe, rate=1.0), tmp_path)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"step": 7}\n{"step')  # killed after the state was saved
    again = Training(recipe, ink, tmp_path)
    assert (tmp_path / "log.jsonl").read_text().splitlines() == [json.dumps(line) for line in lines]
    assert (again.step, again.samples) == (6, first.samples)
    for (_, mine), (_, other) in zip(
        first.model.named_parameters(), again.model.named_parameters(), strict=True
    ):
        assert torch.equal(mine, other)
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "model").eval()
    processor = AutoProcessor.from_pretrained(tmp_path / "model")
    for weight, other in zip(model.parameters(), again.mean.values(), strict=True):
        assert torch.equal(weight, other)
    question = Question(
        Image.new("RGB", (90, 60), "white"),
        [{"role": "user", "content": prompt_set("uni-mumer")["recognition"]}],
    )
    assert answer(model, processor, [question], Sampling(GREEDY.temperature, max_new_tokens=5))


def test_a_signal_to_all_its_processes_saves_and_the_run_goes_on(ink: Path, tmp_path: Path) -> None:
    """Ctrl-C and `timeout` send it to the process that draws as well, which leaves it to the trainer."""
    name = "pen-alone-8-40-0"
    sizes = {key: getattr(TINY, key) for key in TINY.__slots__}
    stages = [{"steps": 3, "sources": {"pen": 1}}, {"steps": 100_000, "sources": {"pen": 1}}]
    recipe = {"size": sizes, "stores": {"pen": name}, "held": name, "budget": 200, "stages": stages}
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))  # YAML reads JSON
    command = [sys.executable, "-m", "examples.reader.train", "--recipe", str(tmp_path / "recipe.yaml")]
    before = 0
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(
            [*command, "--ink", str(ink), "--out", str(tmp_path / "run")],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while not (tmp_path / "run" / "recipe.json").exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        time.sleep(3)  # it trains now
        os.killpg(process.pid, number)
        said, failed = process.communicate(timeout=120)
        assert process.returncode == 0 and said.endswith("of 100,003 steps: the same command goes on\n"), (
            failed
        )
        step = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])["step"]
        assert step > before
        before = step
        (tmp_path / "run" / "recipe.json").unlink()


def test_no_batch_comes_from_a_process_that_was_killed() -> None:
    drawer = Drawer({}, [], TINY.geometry, 200, 0)
    drawer.close()
    with pytest.raises(SystemExit, match="the process that draws pictures was killed"):
        next(drawer)


def test_only_so_many_held_out_expressions_are_read_for_the_curve(ink: Path, tmp_path: Path) -> None:
    name = "pen-alone-8-40-0"
    recipe = Recipe(TINY, {"pen": name}, (Stage(1, {"pen": 1.0}),), held=name, budget=200, watched=15)
    Training(recipe, ink, tmp_path).train(0.0)
    read = [json.loads(line)["gt"] for line in (tmp_path / "held.jsonl").read_text().splitlines()]
    assert read == InkStore(ink / f"{name}.npz").labels[::3]


def test_a_curve_counts_the_pictures_with_the_answer_of_recognition(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = [
        {"step": 90, "samples": 900},
        {"step": 110, "samples": 1100},
        {"step": 200, "samples": 2000, "tokens": 5, "exprate": 0.0},
        {"step": 300, "samples": 3000, "tokens": 9, "exprate": 7.0},
    ]
    log.write_text("\n".join(map(json.dumps, lines)))
    base = read_recipe(READER_CPU)
    alone = points(log, recipe_of("recognition", base, dense=100, steps=900, seed=0))
    assert [(point["answers"], point["exprate"]) for point in alone] == [(1000, 0), (2000, 7)]
    both = points(log, recipe_of("counting", base, dense=100, steps=900, seed=0))
    symbols = 0.3 / 7.8  # of the pictures: they are asked for nothing else
    assert [point["answers"] for point in both] == [
        pytest.approx(seen * (symbols + (1 - symbols) / 2)) for seen in (1000, 2000)
    ]


@pytest.mark.parametrize("name", ["reader-cpu.yaml", "reader-long.yaml"])
def test_the_arms_of_the_ablation_have_equal_steps_and_their_ink(name: str) -> None:
    base = read_recipe(READER_CPU.with_name(name))
    for arm in {**ARMS, **SOURCES}:
        recipe = recipe_of(arm, base, dense=30, steps=90, seed=1)
        assert recipe.steps == 120 and sum(stage.steps for stage in recipe.stages if not stage.answers) == 30
        assert {name for stage in recipe.stages for name in stage.sources} == set(recipe.stores)
        made_from = {parts_of(store)[0] for store in recipe.stores.values()}
        assert (made_from <= {"pen-symbols", "pen-alone"}) == (arm == "pen-alone")
        last = {parts_of(recipe.stores[name])[1] for name in recipe.stages[-1].sources}
        assert max(last) == parts_of(base.held)[1]


def write_runs(folder: Path, answers: dict[str, str]) -> None:
    """Runs that are done: each answer is a letter for one of the labels a, b, c, d."""
    for run, letters in answers.items():
        (folder / run).mkdir()
        lines = [
            json.dumps({"img_id": label, "gt": label, "pred": letter})
            for label, letter in zip("abcd", letters, strict=True)
        ]
        # Each run in an order of its own: expressions are joined by their ids.
        order = lines if run.endswith("0") else lines[::-1]
        (folder / run / "2014.jsonl").write_text("\n".join(order))
        about = {"seed": int(run[-1]), "step": 10, "tokens": 100, "samples": 7, "seconds": 60}
        (folder / run / DONE).write_text(json.dumps(about))


def test_the_table_of_the_ablation_compares_the_same_expressions_and_seeds(tmp_path: Path) -> None:
    answers = {
        "recognition-s0": "abcd",
        "recognition-s1": "abxx",
        "tree-s0": "abxx",
        "tree-s1": "xxxx",
        "counting-s0": "xbcd",
        "errors-s2": "abcd",
    }
    write_runs(tmp_path, answers)
    (tmp_path / "real-s0").mkdir()  # one that is not done
    lines = table(tmp_path).splitlines()
    cells = {tuple(line.split(" | ")[:2]): line.strip("| ").split(" | ") for line in lines[2:]}
    assert len(cells) == len(answers) + 2
    assert cells["| **recognition**", "0 and 1"][6].startswith("75 (")
    assert cells["| **tree**", "0 and 1"][6].startswith("25 (")
    assert cells["| **tree**", "0 and 1"][9].startswith("-50 (")
    assert cells["| tree", "1"][9].startswith("-50 (")
    assert cells["| counting", "0"][9].startswith("-25 (")
    assert len(cells["| errors", "2"]) == 9, "no recognition of that seed to compare with"


def test_the_table_of_the_ablation_needs_no_recognition(tmp_path: Path) -> None:
    write_runs(tmp_path, {"tree-s0": "abxx"})
    [line] = table(tmp_path).splitlines()[2:]
    assert line.strip("| ").split(" | ")[6].startswith("50 (")


def test_the_table_by_length_counts_each_expression_where_it_belongs(tmp_path: Path) -> None:
    long = " ".join("x" * 15)
    for arm, right in (("recognition-s0", 3), ("recognition-s1", 2), ("tree-s0", 0)):
        (tmp_path / arm).mkdir()
        answers = [
            {"img_id": str(n), "gt": gt, "pred": gt if n < right else "y"}
            for n, gt in enumerate(["a", "b", long])
        ]
        (tmp_path / arm / "2014.jsonl").write_text("\n".join(map(json.dumps, answers)), encoding="utf-8")
        about = {"seed": int(arm[-1]), "step": 1, "tokens": 1, "samples": 1, "seconds": 1}
        (tmp_path / arm / DONE).write_text(json.dumps(about), encoding="utf-8")
    recognition, tree = (line.strip("| ").split(" | ") for line in table_by_length(tmp_path).splitlines()[2:])
    assert recognition[1:3] == ["100.0", "50.0"] and tree[1:3] == ["0.0", "0.0"]
    assert recognition[4:6] == ["0.000", "0.500"] and tree[4:6] == ["1.000", "1.000"]
    assert recognition[3] == "", "there is no longer one"


def test_the_picture_of_the_ablation_has_a_point_an_arm_and_one_a_seed(tmp_path: Path) -> None:
    write_runs(tmp_path, {"recognition-s0": "abcd", "recognition-s1": "abxx", "pen-alone-s0": "xbcd"})
    axes = Figure().subplots()
    draw_intervals(axes, done_runs(tmp_path))
    points = sorted(line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o")
    assert points == [50, 75, 75, 100]  # recognition's seeds and their mean, the pen's one run
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["recognition, all sources", "the pen alone"]


def test_novelty_is_the_distance_to_the_nearest_label() -> None:
    known = ["a + b", "x ^ { 2 }", "\\frac { 1 } { 2 }"]
    assert distances(["a + b", "a + c", "x ^ { 3 } y", "z"], known) == [0, 1 / 3, 2 / 6, 3]


def test_what_is_expected_counts_cells_that_both_have_enough_of() -> None:
    held_out_right = {(True, 0): [True, True, True, False], (True, 1): [True], (False, 0): [False] * 4}
    test = {(True, 0): [True, False], (True, 1): [True], (False, 0): [False] * 3, (False, 2): [True]}
    assert expected(held_out_right, test) == (1.5, 1, 5)


def test_every_arm_has_a_title() -> None:
    assert {*ARMS, *SOURCES} - {SAME} == set(TITLES)


def test_a_difference_that_every_expression_shows_has_no_width() -> None:
    base = np.tile([1.0, 0.0], (20, 1))
    gained = difference(np.tile([1.0, 1.0], (20, 1)), base, lambda sums: 100 * sums[1] / sums[0])
    assert (gained.value, gained.low, gained.high) == (100, 100, 100)


def test_a_store_says_how_it_is_made() -> None:
    assert parts_of("pen-alone-10-30000-1") == ("pen-alone", 10, 30000, 1)
    assert parts_of("real-10") == ("real", 10, 0, 0)


def test_the_recipes_are_whole() -> None:
    for path in Path("examples/reader").glob("*.yaml"):
        recipe = read_recipe(path)
        assert all(set(stage.sources) <= set(recipe.stores) for stage in recipe.stages)
        assert recipe.rate_at(0) > 0 and recipe.rate_at(recipe.steps) == 0


def test_a_recipe_with_a_wrong_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("stages: []\nstores: {}\nspeed: 3\n")
    with pytest.raises(ValueError, match="speed"):
        read_recipe(tmp_path / "wrong.yaml")


def test_about_one_writer_in_nine_is_held_out() -> None:
    held = sum(is_held(f"writer {keyed(number).random()}") for number in range(900))
    assert 60 < held < 140


def test_a_label_is_asked_about_with_its_own_mistake(tmp_path: Path) -> None:
    mined = tmp_path / "mined.jsonl"
    mined.write_text(json.dumps({"img_id": "1", "gt": "a + b", "pred": "a + 6"}) + "\n", encoding="utf-8")
    tasks = ("recognition", "error_detection", "error_correction")
    own, other = texts_of(["a + b", "a + c"], tasks, 0, read_mistakes(str(mined), None))
    assert [answer for _, answer in own[:2]] == ["a + b", "a + <error_start> 6 <error_end>"]
    assert other == texts_of(["a + c"], tasks, 0)[0]


def test_a_symbol_that_is_no_expression_is_only_recognised() -> None:
    assert [[answer for _, answer in rows] for rows in texts_of(["\\frac"], TASKS, 0)] == [["\\frac"]]


def test_ink_of_a_held_out_fold_is_left_out(tmp_path: Path) -> None:
    folds = tmp_path / "folds.jsonl"
    lines = [
        {"source": "crohme/train", "id": id, "fold": fold} for id, fold in (("a", 0), ("b", 1), ("c", 0))
    ]
    folds.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert held_out(folds, 0) == {"a", "c"}
    with pytest.raises(UsageError, match="has no fold 2"):
        held_out(folds, 2)


def test_a_folder_without_training_ink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    with pytest.raises(UsageError, match="no training ink of CROHME"):
        write_source("real", tmp_path / "corpus", tmp_path / "ink", count=0, longest=10, seed=0)
