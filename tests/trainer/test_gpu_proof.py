"""The GPU command runs whole on a CPU, at tiny size, in legs: what it proves there is that it runs."""

import json

from bench import gpu_proof

FLAGS = (
    "--scratch tiny-qwen2.5-vl --use_cpu true --bf16 false --per_device_train_batch_size 4 --limit 4 "
    "--max_pixels 18816 --dataloader_num_workers 0 --warmup_steps 0 --decode_steps 0 --logging_steps 1"
)


def test_it_runs_whole_and_goes_on(shards, tmp_path, capsys, monkeypatch):
    words = ["--tiny", "--out", tmp_path / "out", "--results", tmp_path / "results", "--train", shards]
    words += ["--test", shards, "--steps", 2, "--flags", FLAGS]
    words += ["--predict_flags", "--limit 4 --max_new_tokens 8"]
    arguments = [str(word) for word in words]
    stage = gpu_proof.Leg.stage

    def over(self, name, seconds, work):
        """The first leg's time is over before anything is trained."""
        if name.startswith("scratch"):
            raise gpu_proof.TimeIsOver
        stage(self, name, seconds, work)

    with monkeypatch.context() as patched:
        patched.setattr(gpu_proof.Leg, "stage", over)
        gpu_proof.main(arguments)
    assert "the same command goes on" in capsys.readouterr().out
    measured = json.loads((tmp_path / "out" / "state.json").read_text())
    gpu_proof.main([*arguments, "--plan"])
    plan = capsys.readouterr().out
    assert plan.count("done  speed") == 3 and "left  scratch five" in plan
    gpu_proof.main(arguments)
    (result,) = (tmp_path / "results").iterdir()
    content = json.loads(result.read_text())
    assert content["figures"].items() >= measured.items()  # nothing was measured twice
    packed = content["figures"]["speed tiny-qwen3.5 4:packed:sdpa:off:float32"]
    assert packed["padding"] == 0 and packed["rows/s"] > 0
    assert content["figures"]["attention"]["vision"] < 1e-5
    assert set(content["figures"]) >= {"predict five", "predict one", "scratch one seconds"}
