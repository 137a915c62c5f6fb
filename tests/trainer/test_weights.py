"""What is saved at the end: bf16 under the base model's names, or refused in words; sharded while it trains."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from tests.conftest import REPOSITORY
from tests.trainer.conftest import losses, start, train, words
from trainer.checkpoints import difference
from trainer.patches import names_of_weights, repair_names

RUN = ("--max_steps", 4, "--learning_rate", "1e-3", "--save_steps", 2)


@pytest.fixture(scope="module")
def trained(shards, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("trained")
    train(shards, tiny, out, *RUN, "--per_device_train_batch_size", 8)
    return out


def test_the_model_is_bf16_and_its_checkpoints_are_not(trained, tiny, shards):
    saved, checkpoint = (load_file(at / "model.safetensors") for at in (trained, trained / "checkpoint-4"))
    assert {weight.dtype for weight in saved.values()} == {torch.bfloat16}
    assert {weight.dtype for weight in checkpoint.values()} == {torch.float32}
    assert saved.keys() == names_of_weights(str(tiny))
    assert all(torch.equal(saved[name], checkpoint[name].bfloat16()) for name in saved)
    config = json.loads((trained / "config.json").read_text())
    assert {config["dtype"], config["text_config"]["dtype"], config["vision_config"]["dtype"]} == {"bfloat16"}
    assert AutoModelForImageTextToText.from_pretrained(trained, dtype="auto").dtype == torch.bfloat16
    card = (trained / "README.md").read_text(encoding="utf-8")
    assert "| counting | 12 |" in card and "| learning_rate | 0.001 |" in card and f"`{shards}`" in card


def test_names_of_another_style_are_the_base_models_again(trained, tiny, tmp_path):
    base, weights = names_of_weights(str(tiny)), load_file(trained / "model.safetensors")
    path = tmp_path / "model.safetensors"
    save_file({f"model.{name}": weight for name, weight in weights.items()}, path)  # as ZeRO-3 has them
    assert repair_names(tmp_path, base) == f"{len(base)} weights were renamed as the base model has them"
    assert load_file(path).keys() == base and repair_names(tmp_path, base) == ""
    weights.pop(lost := sorted(base)[0])
    save_file(weights, path)
    assert (
        repair_names(tmp_path, base)
        == f"warning: 1 weights of the base model are not in {tmp_path}: {lost} …"
    )


def test_fsdp2_is_one_process_and_saves_shards(trained, shards, tiny, tmp_path):
    """Both of FSDP2's processes on a CPU (tests/trainer/fsdp_on_cpu.py)."""
    out = tmp_path / "out"
    arguments = words(shards, tiny, out, *RUN, "--per_device_train_batch_size", 4, "--fsdp")
    arguments += ["--fsdp_config", str(REPOSITORY / "trainer" / "accelerate" / "fsdp2.json")]
    script = str(REPOSITORY / "tests" / "trainer" / "fsdp_on_cpu.py")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", script)
    _, errors = start(arguments, tmp_path, *launcher).communicate(timeout=600)
    assert losses(out) == pytest.approx(losses(trained), rel=1e-5), errors
    assert len(list((out / "checkpoint-4" / "pytorch_model_fsdp_0").glob("*.distcp"))) == 2
    first, other = (load_file(at / "model.safetensors") for at in (out, trained))
    assert first.keys() == other.keys()
    assert all((first[name].float() - other[name].float()).abs().max() < 0.02 for name in first)


def test_a_run_of_an_earlier_version_knows_fewer_names(tmp_path):
    (tmp_path / "run.json").write_text('{"rows": "abc", "processes": 4}')
    assert difference(tmp_path / "run.json", {"rows": "abc", "texts": 1}) == ""
    assert difference(tmp_path / "run.json", {"rows": "abc", "processes": 8}) == "its processes was 4, not 8"
    assert difference(tmp_path / "run.json", {"rows": "other"}) == "its rows were others"
