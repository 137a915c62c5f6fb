"""What a user can get wrong ends in one line that says what and what to do, and in 1 or 2."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from hmer_tasks.pipeline import BuildOptions, build
from tests.conftest import REPOSITORY
from tests.trainer.conftest import words
from trainer import faults, predict, sft
from trainer.shards import shards_of

BASE = REPOSITORY / "trainer" / "recipes" / "base.yaml"
RECIPES = sorted({*(REPOSITORY / "trainer" / "recipes").glob("*.yaml")} - {BASE})


def line_of(capsys, main, code: int) -> str:
    """The one line that a command's main function ends in."""
    with pytest.raises(SystemExit) as ended:
        faults.run("it", main)
    error = capsys.readouterr().err
    assert ended.value.code == code, error
    lines = [line for line in error.splitlines() if line.startswith("it: ")]
    assert len(lines) == 1 and "Traceback" not in error, error
    return lines[0]


def trained(capsys, *arguments: object, code: int = 1) -> str:
    return line_of(capsys, lambda: sft.train(*sft.parse([*map(str, arguments)])), code)


def test_shards_that_are_not_there(capsys, tiny, shards, tmp_path):
    def message_of(data: object) -> str:
        return trained(capsys, *words(data, tiny, tmp_path / "out"))

    assert f"no shards: {tmp_path / 'none'} is not there" in message_of(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "holds no Parquet file" in message_of(tmp_path / "empty")
    assert f"{shards} has no split 'test'; there is train" in message_of(f"{shards}:test")
    assert "--data is missing: name builds" in trained(
        capsys, "--output_dir", tmp_path, "--model_name_or_path", tiny, "--bf16", "false", code=2
    )


def test_shards_of_a_build_that_is_not_finished_or_not_its_own(capsys, tiny, tmp_path):
    """An unfinished build has all splits and no list of them: nothing may be taken for training."""
    out = tmp_path / "out"
    build(BuildOptions("sample", out=out, limit=2, workers=1))
    wanted = shards_of(str(out))
    (out / "data" / "test-00000-of-00001.parquet").write_bytes(wanted[0].read_bytes())
    assert shards_of(str(out)) == wanted
    (out / "build.json").rename(tmp_path / "build.json")
    (out / ".build").mkdir()
    assert f"{out} is an unfinished build: finish it" in trained(capsys, *words(out, tiny, tmp_path / "run"))


def test_shards_of_another_schema(capsys, tiny, shards, tmp_path):
    path = tmp_path / "train-00000-of-00001.parquet"
    table = pq.read_table(shards_of(str(shards))[0])
    bad = {
        "no column 'completion'": table.drop_columns(["completion"]),
        "column 'gt' is int64, not string": table.set_column(
            table.schema.names.index("gt"), "gt", pa.array(range(len(table)))
        ),
    }
    for what, content in bad.items():
        pq.write_table(content, path)
        assert what in trained(capsys, *words(path, tiny, tmp_path / "out"))
        new = words(
            path, None, tmp_path / "new", "--scratch", "tiny-qwen2.5-vl"
        )  # reads them for its tokenizer
        assert what in trained(capsys, *new)
    path.write_bytes(b"PAR1 and no more")
    assert "not a Parquet file" in trained(capsys, *words(path, tiny, tmp_path / "out"))
    pq.write_table(table.replace_schema_metadata(None), path)  # only the Hugging Face metadata is gone
    sft.train(*sft.parse(words(path, tiny, tmp_path / "out", "--max_steps", 1)))


def test_models_that_are_not_there(capsys, shards, tiny, tmp_path, monkeypatch):
    assert f"no model: {tmp_path / 'm'} is not there" in trained(
        capsys, *words(shards, tmp_path / "m", tmp_path)
    )
    assert "holds no config.json" in trained(capsys, *words(shards, tmp_path, tmp_path))
    monkeypatch.chdir(tmp_path.parent)  # `runs/3c` looks like a name on the Hub; beside runs/3b it is a path
    near = f"{tmp_path.name}/none"
    assert f"no model: {near} is not there" in trained(capsys, *words(shards, near, tmp_path))
    assert "no model: say --model_name_or_path" in trained(capsys, *words(shards, None, tmp_path), code=2)
    assert "no model 'huge'; there are tiny-" in trained(
        capsys, *words(shards, None, tmp_path, "--scratch", "huge"), code=2
    )
    given = predict.parser().parse_args(
        ["--model", str(tmp_path / "m"), "--data", str(shards), "--out", str(tmp_path / "o.jsonl")]
    )
    assert "no model" in line_of(capsys, lambda: predict.predict(given), 1)


def test_misspelt_and_impossible_arguments(capsys, shards, tiny, tmp_path):
    def message_of(*more: object) -> str:
        return trained(capsys, *words(shards, tiny, tmp_path, *more), code=2)

    assert (
        "--task_weight" in (line := message_of("--task_weight", "recognition")) and "--task_weights?" in line
    )
    assert "no task 'recognise': did you mean recognition? there are" in message_of(
        "--task_weights", "recognise=1"
    )
    assert "no part 'eyes'; there are projector, vision" in message_of("--freeze", "eyes")
    assert "leaves nothing to train" in message_of("--freeze", "vision,projector,language")
    assert "--data_weights: 1 numbers from 0 to 100 are wanted" in message_of("--data_weights", 1, 2)
    assert "numbers from 0 to 100 are wanted" in message_of("--data_weights", "nan")
    assert "with a number from 0 to 100" in message_of("--task_weights", "recognition=inf")
    assert "--max_length cuts completions off" in message_of("--max_length", 512)
    assert "--decode_steps needs held-out pictures" in message_of("--decode_steps", 5)
    assert "invalid choice: 'by_length'" in message_of("--train_sampling_strategy", "by_length")
    assert "--max_pixels 9 is below the least of this model" in message_of("--max_pixels", 9)
    assert "--vision_attention: " in message_of("--vision_attention", "flashy")
    persistent = ("--dataloader_num_workers", 1, "--dataloader_persistent_workers", "true")
    assert "--jitter needs new workers each epoch" in message_of("--jitter", "true", *persistent)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("learning_rat: 1.0e-5\n", encoding="utf-8")
    assert (
        "learning_rat" in (line := message_of("--config", recipe)) and "did you mean --learning_rate?" in line
    )
    recipe.write_text("learning_rate: [1\n", encoding="utf-8")
    message_of("--config", recipe)
    assert "no recipe" in message_of("--config", tmp_path / "none.yaml")
    assert "no recipe" in message_of("--config", tmp_path)
    recipe.write_text("base: other.yaml\n", encoding="utf-8")
    (tmp_path / "other.yaml").write_text("base: recipe.yaml\n", encoding="utf-8")
    assert "its bases lead back to it" in message_of("--config", recipe)
    assert "--config: name a recipe" in trained(capsys, "--config", code=2)
    assert "--fold and --side go with --folds" in message_of("--side", "held")
    assert "--fold and --side go with --folds" in message_of("--fold", 1)
    assert "--max_pixels 0 is below" in message_of("--max_pixels", 0)
    held = ("--decode_steps", 1, "--decode_data", shards)
    assert "--decode_batch must be at least 1" in message_of(*held, "--decode_batch", 0)


def test_memory_that_does_not_suffice():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert sft.is_out_of_memory(caught.value) and not sft.is_out_of_memory(RuntimeError("shapes differ"))
    _, training, _ = sft.parse(
        ["--output_dir", "x", "--bf16", "false", "--use_cpu", "true", "--per_device_train_batch_size", "8"]
    )
    line = sft.out_of_memory(training, 0)
    assert "out of memory in step 1; what helps: --gradient_checkpointing true" in line
    assert (
        "--per_device_train_batch_size 4 --gradient_accumulation_steps 2" in line and "--max_pixels" in line
    )


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_understood(recipe):
    more = ["--data", "x", "--output_dir", "y", "--use_cpu", "true"]
    data, training, model = sft.parse(["--config", str(recipe), *more])
    assert data.scratch or model.model_name_or_path.startswith("Qwen/Qwen")
    assert training.max_length is None
    assert training.train_sampling_strategy == "group_by_length"
    if "Qwen/" in str(model.model_name_or_path):  # over base.yaml
        assert (training.learning_rate, data.max_pixels, data.too_long) == (1e-5, 262_144, "refuse")
    if recipe.stem.startswith("uni-mumer-qwen2.5-vl-3b"):
        assert training.per_device_train_batch_size * training.gradient_accumulation_steps * 4 == 512
        assert (data.max_pixels, data.max_tokens, data.freeze) == (262_144, 2048, "")
