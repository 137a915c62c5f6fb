"""The predictor: whatever is read, by whatever prompt, one line an answer, and no line twice."""

import json
import os
import shutil

import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, GenerationConfig

from hmer_tasks import plugins
from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.pipeline import BuildOptions, build
from hmer_tasks.predictions import read_predictions
from hmer_tasks.tasks import PLUGIN_TASKS, TASK_NAMES
from tests.conftest import REPOSITORY
from trainer import predict
from trainer.data import prepare
from trainer.decoding import LONGEST_PERIOD, WINDOW, Question, StuckCriteria, cut, period, read_out
from trainer.faults import TrainError, UsageError
from trainer.model import system_of
from trainer.options import DataArguments
from trainer.refine import corrected, is_marking, refine
from trainer.shards import load_shards, shards_of


def run(*arguments: object) -> None:
    predict.predict(predict.parser().parse_args([*map(str, arguments), "--max_new_tokens", "12"]))


@pytest.mark.parametrize("task", TASK_NAMES)
def test_shards_by_each_prompt(task, shards, tiny, tmp_path):
    out = tmp_path / "out.jsonl"
    run("--model", tiny, "--data", shards, "--task", task, "--out", out, "--batch", 5, "--temperature", 0)
    lines = list(read_predictions(out))
    assert len({line.id for line in lines}) == len(lines) == 12
    assert {line.task for line in lines} == {task} and {line.stop for line in lines} <= {"eos", "length"}
    labels = dict(zip((rows := load_shards(shards_of(str(shards))))["id"], rows["gt"], strict=True))
    assert all(line.gt == labels[line.id] for line in lines)
    asked = {(row["id"], row["candidate"], row["marked"]) for row in rows if row["task"] == task}
    if task.startswith("error"):
        assert {(line.id, line.candidate, line.marked) for line in lines} <= asked


def test_an_interrupted_run_goes_on_and_draws_the_same(shards, tiny, tmp_path):
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    same = (
        "--model",
        tiny,
        "--data",
        shards,
        "--batch",
        2,
        "--samples",
        2,
        "--temperature",
        1.5,
        "--top_k",
        0,
    )
    for out in (whole, broken):
        run(*same, "--out", out)
    text = whole.read_bytes()
    assert broken.read_bytes() == text and text.count(b"\n") == 24
    first, second = (json.loads(line)["raw"] for line in text.splitlines()[:2])
    assert first != second
    lines = text.splitlines(keepends=True)
    for kept in (b"".join(lines[:8]), b"".join(lines[:10]) + lines[10][:20], b""):
        broken.write_bytes(kept)  # killed between batches, in the middle of one, before the first
        run(*same, "--out", broken)
        assert broken.read_bytes() == text
    with pytest.raises(TrainError, match=r"holds another run \(its samples was 2, not 1\)"):
        run(*same, "--out", broken, "--samples", 1)


def test_a_folder(shards, tiny, tmp_path):
    (tmp_path / "pictures" / "deep").mkdir(parents=True)
    for row in load_shards(shards_of(str(shards))).select([0, 5]):
        (tmp_path / "pictures" / "deep" / f"{row['id']}.png").write_bytes(row["images"][0]["bytes"])
    run("--model", tiny, "--pictures", tmp_path / "pictures", "--out", tmp_path / "folder.jsonl")
    folder = list(read_predictions(tmp_path / "folder.jsonl"))
    assert len(folder) == 2 and all(line.id.startswith("deep/") and line.gt == "" for line in folder)


def test_candidates_are_put_into_the_prompt(shards, tiny, tmp_path):
    first, marked, mended = (tmp_path / f"{name}.jsonl" for name in ("first", "marked", "mended"))
    common = ("--model", tiny, "--data", shards, "--limit", 2)
    run(*common, "--out", first)
    run(*common, "--task", "error_detection", "--candidates", first, "--out", marked)
    run(*common, "--task", "error_correction", "--candidates", marked, "--out", mended)
    assert len(list(read_predictions(mended))) == 2
    readings = {line.id: line.pred for line in read_predictions(first)}
    marks = {line.id: line.raw for line in read_predictions(marked)}
    assert {line.id: line.candidate for line in read_predictions(marked)} == readings
    assert {line.id: line.marked for line in read_predictions(mended)} == marks
    assert all(line.candidate is None for line in read_predictions(first))
    pictures = ("--model", tiny, "--pictures", tmp_path)
    with pytest.raises(UsageError, match="--task error_detection needs --candidates"):
        run(*pictures, "--task", "error_detection", "--out", tmp_path / "x.jsonl")


def test_padding_that_also_ends_answers_hides_no_repetition(tiny):
    """Qwen2.5-VL's padding is one of its ends: who was stopped before others of the batch has it behind."""
    processor = AutoProcessor.from_pretrained(tiny)
    pad, end = processor.tokenizer.pad_token_id, processor.tokenizer.eos_token_id
    text = processor.tokenizer("x + 1")["input_ids"]
    stuck = text + text[:1] * (2 * WINDOW)
    for ends in ([end, pad], end):
        generation = GenerationConfig(eos_token_id=ends)
        got = [
            read_out(processor, ids, generation)
            for ids in (stuck + [pad] * 9, stuck, [*text, end, pad, pad], text)
        ]
        assert [answer.stop for answer in got] == ["repetition", "repetition", "eos", "length"]
        assert got[0].raw == got[1].raw and len(got[0].raw) < len(got[2].raw) + 5
    whole = read_out(processor, [*text, pad, pad], GenerationConfig(eos_token_id=[end, pad]))
    assert (whole.stop, whole.raw) == ("eos", got[2].raw)


def test_a_model_or_rows_written_anew_are_another_run(shards, tiny, tmp_path):
    model, rows, out = tmp_path / "model", tmp_path / "rows", tmp_path / "out.jsonl"
    shutil.copytree(tiny, model)
    build(BuildOptions("sample", out=rows, limit=4, workers=1))
    run("--model", model, "--data", rows, "--out", out)
    run("--model", model, "--data", rows, "--out", out)
    build(BuildOptions("sample", out=rows, limit=4, seed=1, workers=1, overwrite=True))
    with pytest.raises(TrainError, match="its digest of the rows was"):
        run("--model", model, "--data", rows, "--out", out)
    build(BuildOptions("sample", out=rows, limit=4, workers=1, overwrite=True))
    run("--model", model, "--data", rows, "--out", out)  # the same rows again
    os.utime(model / "model.safetensors")
    with pytest.raises(TrainError, match="its digest of the weights was"):
        run("--model", model, "--data", rows, "--out", out)


def test_folds_without_a_source_hold_the_same_out_as_in_training(shards, tiny, tmp_path):
    ids = sorted({row["id"] for row in load_shards(shards_of(str(shards)))})
    folds = tmp_path / "folds.jsonl"
    folds.write_text("".join(json.dumps({"id": id, "fold": at % 2}) + "\n" for at, id in enumerate(ids)))
    for side, wanted in (("held", ids[1::2]), ("train", ids[::2])):
        out = tmp_path / f"{side}.jsonl"
        run("--model", tiny, "--data", shards, "--folds", folds, "--fold", 1, "--side", side, "--out", out)
        assert sorted(line.id for line in read_predictions(out)) == wanted
    with pytest.raises(UsageError, match="--fold 2: the folds are 0, 1"):
        run("--model", tiny, "--data", shards, "--folds", folds, "--fold", 2, "--out", tmp_path / "x.jsonl")


def test_a_stuck_answer_is_cut_and_a_matrix_is_not():
    for size in (1, 3, LONGEST_PERIOD):
        ids = [900, 901, 902, *(list(range(size)) * (2 * WINDOW // size + 1))]
        assert period(ids) == size
        assert cut(ids) == ([900, 901, 902, *range(size)], True)
    matrix = [5, 6] * 40 + [7]  # "0 &" forty times
    assert cut(matrix) == (matrix, False)
    stuck = StuckCriteria(10)
    batch = torch.randint(100, 200, (3, 10 + WINDOW))
    batch[1, -WINDOW:] = 7
    assert stuck(batch, batch).tolist() == [False, True, False]
    assert not stuck(batch[:, :-1], batch).any()


def test_a_correction_is_kept_where_it_applies_cleanly():
    reading, label = "\\sqrt { d ^ { 2 } }", "\\sqrt { a ^ { 2 } } + 1"
    marked, log = mark_errors(reading, label)
    assert is_marking(marked, reading) and not is_marking(reading, reading) and not is_marking("x", reading)
    assert corrected(marked, f"{log}\n{label}") == label
    assert corrected(marked, log) == ""  # no label
    assert corrected(marked, f"{log}\n{reading}") == ""  # another label than the log gives
    assert corrected(marked, f"DELETE:d\n{label}") == ""
    asked = []

    def read(questions, name):
        asked.append((name, [question.prompt[-1]["content"] for question in questions]))
        answers = {"detect": [marked, "what?"], "correct": [f"{log}\n{label}"]}
        return answers[name]

    templates = {"error_detection": "find {candidate}", "error_correction": "mend {marked}"}
    questions = [Question(Image.new("RGB", (8, 8)), [])] * 3
    assert refine(read, templates, "", questions, [reading, "x", ""]) == [label, "x", ""]
    assert asked == [("detect", [f"find {reading}", "find x"]), ("correct", [f"mend {marked}"])]


def test_refined_predictions_say_what_was_read_first(shards, tiny, tmp_path, capsys):
    out = tmp_path / "refined.jsonl"
    run("--model", tiny, "--data", shards, "--limit", 3, "--temperature", 0, "--refine", "--out", out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 3 and all(line["first"] == line["pred"] for line in lines)  # it cannot mark yet
    assert "0 of 3 exact, 0 before refining" in capsys.readouterr().out
    with pytest.raises(UsageError, match="--refine corrects one answer"):
        run("--model", tiny, "--data", shards, "--refine", "--samples", 2, "--out", tmp_path / "x.jsonl")


@pytest.fixture
def boxes():
    """A plug-in's task, forgotten again after the test."""
    yield REPOSITORY / "examples" / "bounding_boxes_task.py"
    PLUGIN_TASKS.clear()
    plugins._loaded.clear()


def test_a_task_of_a_plugin_is_trained_on_and_asked(boxes, tiny, tmp_path):
    plugins.load_plugins([boxes])
    tasks = ("recognition", "bounding_boxes")
    build(BuildOptions("synthetic", out=tmp_path / "rows", tasks=tasks, count=3, workers=1))
    PLUGIN_TASKS.clear()
    plugins._loaded.clear()
    processor = AutoProcessor.from_pretrained(tiny)
    rows = DataArguments(data=[str(tmp_path / "rows")])
    assert prepare(rows, processor, 0).tasks == dict.fromkeys(tasks, 3)  # no task is named, so all are taken
    out, asked = tmp_path / "out.jsonl", ("--model", tiny, "--data", tmp_path / "rows", "--limit", 2)
    with pytest.raises(UsageError, match="no task 'bounding_boxes'"):
        run(*asked, "--task", "bounding_boxes", "--out", out)
    run(*asked, "--task", "bounding_boxes", "--plugin", boxes, "--out", out)
    assert [line.task for line in read_predictions(out)] == ["bounding_boxes"] * 2
    rows.task_weights = "bounding_boxes=2"
    assert prepare(rows, processor, 0).tasks == {"bounding_boxes": 6}


def test_a_models_own_penalties_do_not_count(tiny, tmp_path):
    """Qwen2.5-VL-Instruct's generation_config.json has a repetition penalty."""
    pictures, model = tmp_path / "pictures", tmp_path / "model"
    (pictures / "folder.png").mkdir(parents=True)
    Image.new("RGB", (90, 60), "white").save(pictures / "a.png")
    (pictures / "._a.png").write_bytes(b"macOS")
    shutil.copytree(tiny, model)
    config = json.loads((model / "generation_config.json").read_text())
    penalties = {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "num_beams": 2}
    (model / "generation_config.json").write_text(json.dumps(config | penalties))
    for name, path in (("plain", tiny), ("penalised", model)):
        run("--model", path, "--pictures", pictures, "--temperature", 0, "--out", tmp_path / f"{name}.jsonl")
    assert (tmp_path / "plain.jsonl").read_text() == (tmp_path / "penalised.jsonl").read_text()


@pytest.mark.parametrize("words", (("--limit", -1), ("--top_p", 1.5), ("--top_p", 0), ("--top_k", -1)))
def test_numbers_that_cannot_be(tiny, tmp_path, words):
    with pytest.raises(UsageError, match=f"{words[0]} must be"):
        run("--model", tiny, "--pictures", tmp_path, "--out", tmp_path / "out.jsonl", *words)


def test_the_system_turn_that_a_model_was_trained_with(tiny, tmp_path):
    model = tmp_path / "checkpoint-5"
    shutil.copytree(tiny, model)
    assert system_of(str(model)) == system_of("owner/name") == ""
    (tmp_path / "run.json").write_text('{"system_prompt": "You read formulas."}', encoding="utf-8")
    assert system_of(str(model)) == "You read formulas."  # that of the run
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (90, 60), "white").save(pictures / "a.png")
    for name, words in (("own", ()), ("none", ("--system_prompt", ""))):
        run("--model", model, "--pictures", pictures, "--temperature", 0, "--out", tmp_path / name, *words)
    settings = {name: json.loads((tmp_path / f".{name}.run.json").read_text()) for name in ("own", "none")}
    assert [settings[name]["system_prompt"] for name in settings] == ["You read formulas.", ""]
    with pytest.raises(UsageError, match="--fold and --side go with --folds"):
        run("--model", model, "--pictures", pictures, "--side", "train", "--out", tmp_path / "x")


def test_pictures_or_files_that_changed_are_another_run(tiny, tmp_path):
    pictures, out = tmp_path / "pictures", tmp_path / "out.jsonl"
    pictures.mkdir()
    for name in "bc":
        Image.new("RGB", (90, 60), "white").save(pictures / f"{name}.png")
    folds = tmp_path / "folds.jsonl"
    folds.write_text('{"id": "b.png", "fold": 0}\n{"id": "c.png", "fold": 0}\n{"id": "a.png", "fold": 0}\n')
    words = ("--model", tiny, "--pictures", pictures, "--folds", folds, "--out", out)
    run(*words)
    Image.new("RGB", (90, 60), "white").save(pictures / "a.png")
    with pytest.raises(TrainError, match="its digest of the rows was"):
        run(*words)
    (pictures / "a.png").unlink()
    folds.write_text(folds.read_text() + "\n")
    with pytest.raises(TrainError, match="its digest of the files was"):
        run(*words)
