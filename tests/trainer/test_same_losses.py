"""Full fine-tuning moves everything, and neither batching, checkpointing nor a kill changes a loss."""

import json
import os
import re
import signal
import time

import pytest
from safetensors.torch import load_file

from tests.trainer.conftest import losses, start, train, words
from trainer import sft
from trainer.checkpoints import last_complete_checkpoint, missing_of
from trainer.faults import Stopped, TrainError

STEPS = ("--max_steps", 6, "--save_strategy", "no", "--learning_rate", "1e-3")


def test_every_parameter_moves_and_what_is_frozen_does_not(shards, tiny, tmp_path):
    moved = {}
    for name, more in {"all": (), "language": ("--freeze", "vision,projector")}.items():
        some = ("--per_device_train_batch_size", 4, "--save_dtype", "float32", *more)
        train(shards, tiny, tmp_path / name, *STEPS, *some)
        before, after = (load_file(at / "model.safetensors") for at in (tiny, tmp_path / name))
        assert before.keys() == after.keys()
        moved[name] = {key for key in before if not before[key].equal(after[key])}
    assert moved["all"] == before.keys()
    assert moved["language"] == {key for key in before if "visual" not in key}


def test_neither_gradient_checkpointing_nor_batching_changes_a_loss(shards, tiny, tmp_path):
    ways = {
        "plain": ("--per_device_train_batch_size", 8, "--gradient_checkpointing", "false"),
        "checkpointed": ("--per_device_train_batch_size", 8, "--gradient_checkpointing", "true"),
        "accumulated": ("--per_device_train_batch_size", 1, "--gradient_accumulation_steps", 8),
    }
    for name, way in ways.items():
        train(shards, tiny, tmp_path / name, *STEPS, "--train_sampling_strategy", "random", *way)
    plain = losses(tmp_path / "plain")
    assert len(plain) == 6 and plain[-1] < plain[0]
    assert losses(tmp_path / "checkpointed") == pytest.approx(plain, rel=1e-5)
    assert losses(tmp_path / "accumulated") == pytest.approx(plain, rel=1e-5)


RUN = ("--max_steps", 12, "--learning_rate", "1e-3", "--per_device_train_batch_size", 8, "--save_steps", 3)


def test_a_killed_run_goes_on_as_if_nothing_had_been(shards, tiny, tmp_path, capsys):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    train(shards, tiny, straight, *RUN)
    process = start(words(shards, tiny, killed, *RUN), tmp_path)
    second = killed / "checkpoint-6"  # 60 rows: 7.5 steps an epoch
    until = time.monotonic() + 600  # a busy machine takes its time
    while missing_of(second, 1) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not missing_of(second, 1) and not (killed / "log.jsonl").exists()
    newest, _ = last_complete_checkpoint(killed, 1)
    half = killed / "checkpoint-11"  # as a kill in the middle of a save leaves it
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    capsys.readouterr()
    train(shards, tiny, killed, *RUN)
    printed = capsys.readouterr().out
    assert f"{half} is passed over: no trainer_state.json, so it is incomplete" in printed
    assert f"going on from {newest}" in printed
    assert losses(killed) == losses(straight) and len(losses(straight)) == 12
    first, other = (load_file(at / "model.safetensors") for at in (straight, killed))
    assert all(first[key].equal(other[key]) for key in first)


def test_sigterm_saves_and_the_run_goes_on(shards, tiny, tmp_path, monkeypatch):
    straight, ended = tmp_path / "straight", tmp_path / "ended"
    rare = (*RUN[:-1], 100)
    train(shards, tiny, straight, *rare)
    decide = sft.Stopper.on_step_end

    def ask(self, args, state, control, **kwargs):
        if state.global_step == 5:
            signal.raise_signal(signal.SIGTERM)
        decide(self, args, state, control, **kwargs)

    with monkeypatch.context() as patched, pytest.raises(Stopped, match="checkpoint-5 is saved"):
        patched.setattr(sft.Stopper, "on_step_end", ask)
        train(shards, tiny, ended, *rare)
    train(shards, tiny, ended, *rare)
    assert losses(ended) == losses(straight)


def test_a_signal_to_all_processes_saves_too(shards, tiny, tmp_path):
    """As `timeout`, `pkill` and torchrun send it: workers of the loader leave it to the trainer."""
    more = ("--max_steps", 2000, "--save_steps", 2000, "--dataloader_num_workers", 2)
    process = start(words(shards, tiny, tmp_path / "run", *more), tmp_path, group=True)
    while "'loss'" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=300)
    assert process.returncode == Stopped.exit_code, said
    assert re.search(r"trainer\.sft: stopped: checkpoint-\d+ is saved; the same command goes on", said)
    assert "Traceback" not in said


def test_another_run_does_not_go_on_from_these_checkpoints(shards, tiny, tmp_path):
    short = ("--max_steps", 2, "--save_steps", 1, "--per_device_train_batch_size", 4)
    train(shards, tiny, tmp_path, *short, "--learning_rate", "1e-3")
    with pytest.raises(TrainError, match=r"holds another run \(its learning_rate was 0.001, not 0.002\)"):
        train(shards, tiny, tmp_path, *short, "--learning_rate", "2e-3")
    train(shards, tiny, tmp_path, *short, "--learning_rate", "2e-3", "--restart", "true")
    assert json.loads((tmp_path / "run.json").read_text())["learning_rate"] == "0.002"
    assert (tmp_path / "training.png").exists()


def test_a_finished_run_trains_nothing(shards, tiny, tmp_path, capsys):
    """60 rows are 7.5 steps an epoch, so the last checkpoint is in the middle of one."""
    run = (*RUN[2:], "--max_steps", 4)
    train(shards, tiny, tmp_path, *run)
    files = ("model.safetensors", "log.jsonl", "checkpoint-4/model.safetensors")
    before = {name: (tmp_path / name).read_bytes() for name in files}
    stamps = {name: (tmp_path / name).stat().st_mtime_ns for name in files}
    capsys.readouterr()
    train(shards, tiny, tmp_path, *run)
    assert f"{tmp_path} is finished, nothing is trained" in capsys.readouterr().out
    assert stamps == {name: (tmp_path / name).stat().st_mtime_ns for name in files}
    # Its checkpoints deleted to save space: it is finished still, and no other run's.
    (tmp_path / "checkpoint-4").rename(tmp_path.with_name("elsewhere"))
    train(shards, tiny, tmp_path, *run)
    assert f"{tmp_path} is finished, nothing is trained" in capsys.readouterr().out
    with pytest.raises(TrainError, match="holds another run"):
        train(shards, tiny, tmp_path, *run, "--learning_rate", "7e-3")
    tmp_path.with_name("elsewhere").rename(tmp_path / "checkpoint-4")
    # Killed after the last checkpoint, before the model was saved.
    for name in files[:2]:
        (tmp_path / name).unlink()
    train(shards, tiny, tmp_path, *run)
    assert f"going on from {tmp_path / 'checkpoint-4'}" in capsys.readouterr().out
    assert all((tmp_path / name).read_bytes() == before[name] for name in files if name != "log.jsonl")
    assert not (tmp_path / "checkpoint-5").exists() and len(losses(tmp_path)) == 4


def test_two_processes_are_one(shards, tiny, tmp_path):
    first, second = tmp_path / "one", tmp_path / "two"
    run = ("--max_steps", 6, "--learning_rate", "1e-3", "--save_strategy", "no")
    train(shards, tiny, first, *run, "--per_device_train_batch_size", 8)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "trainer.sft")
    process = start(
        words(shards, tiny, second, *run, "--per_device_train_batch_size", 4), tmp_path, *launcher
    )
    out, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert out.count("60 rows an epoch") == 1
    assert losses(second) == pytest.approx(losses(first), rel=1e-5)
