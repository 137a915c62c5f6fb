"""What one GPU proves, in legs of at most nine minutes: speed of real configurations, a model from nothing, prediction.

python -m bench.gpu_proof --carry build/carry --out build/gpu-proof     # a leg; again until it says all is done
python -m bench.gpu_proof --carry build/carry --out build/gpu-proof --plan
make gpu-proof                                                          # the same

`--carry` is what bench.gpu_proof_carry packed: shards of CROHME's ink, the tokenizer. Stages, in order, each
kept in OUT/state.json as soon as it is done: (1) attention: flash_varlen against sdpa in bf16, on this GPU;
(2) speed: Qwen2.5-VL-3B and Qwen3.5-2B with random weights, trained by the trainer itself, setting by setting;
the best is what the recipe should say; (3) scratch: the recipe small-scratch on CROHME, five tasks and
recognition alone, a fixed number of steps each; (4) predict: ExpRate on CROHME 2014 and pictures a second.
The end is a dated file of all figures under bench/results/. `--tiny` is the whole of it on a CPU, with tiny
models on any build; it proves that the command runs and nothing about a GPU.

A leg stops what it runs in time (SIGTERM: a training saves a checkpoint) and the next call goes on. Budget
on an H100: attention and speed 12 minutes, scratch 2 × 6, prediction 4: 28 in all.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

from bench import qwen
from hmer_tasks import evaluate
from hmer_tasks.predictions import read_predictions
from trainer import attention, costs, sft

RESULTS = Path(__file__).parent / "results"
RECIPE = Path(__file__).parent.parent / "trainer" / "recipes" / "small-scratch.yaml"
PACKAGES = ("torch", "transformers", "trl", "accelerate", "datasets", "tokenizers", "pyarrow")
# rows : strategy : vision attention : gradient checkpointing : dtype of the weights
SETTINGS = {
    "qwen2.5-vl-3b": (
        "8:random:flash_varlen:on:float32",
        "8:grouped:flash_varlen:on:float32",
        "16:grouped:flash_varlen:on:float32",
        "16:packed:flash_varlen:on:float32",
        "32:packed:flash_varlen:on:float32",
        "16:packed:sdpa:on:float32",
        "16:packed:flash_varlen:off:float32",
        "32:packed:flash_varlen:on:bfloat16",
    ),
    "qwen3.5-2b": (
        "16:grouped:flash_varlen:on:float32",
        "16:packed:flash_varlen:on:float32",
        "32:packed:flash_varlen:on:bfloat16",
    ),
}
TINY = {
    "tiny-qwen2.5-vl-windows": ("4:grouped:flash_varlen:on:float32", "4:packed:flash_varlen:off:float32"),
    "tiny-qwen3.5": ("4:packed:sdpa:off:float32",),
}
RUNS = {"five": [], "one": ["--task_weights", "recognition"]}


class TimeIsOver(Exception):  # noqa: N818 - no error: the next leg goes on
    """The leg has no time for this."""


@dataclass(slots=True)
class Leg:
    """What a call may take, and where it keeps what is done."""

    out: Path
    until: float
    tiny: bool
    done: dict[str, object]

    def stage(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        """Do a stage that is not done yet, if there is time for it. Raises TimeIsOver."""
        if name in self.done:
            return
        if self.until - time.monotonic() < seconds:
            raise TimeIsOver
        print(f"== {name}", flush=True)
        begun = time.monotonic()
        self.done[name] = work()
        self.done[f"{name} seconds"] = round(time.monotonic() - begun, 1)
        print(json.dumps(self.done[name]), flush=True)
        temporary = self.out / ".state.tmp"
        temporary.write_text(json.dumps(self.done, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self.out / "state.json")

    def run(self, arguments: list[str]) -> str:
        """What a command prints; it is stopped when the leg's time is over. Raises TimeIsOver."""
        process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
        try:
            said, _ = process.communicate(timeout=max(5.0, self.until - time.monotonic() - 25))
        except subprocess.TimeoutExpired:
            process.terminate()
            process.communicate()
            raise TimeIsOver from None
        if process.returncode:
            sys.exit(f"{' '.join(arguments[:2])} ended with {process.returncode}; what it said stands above")
        return said


def attention_agrees() -> dict[str, object]:
    """How far flash_varlen is from sdpa, both towers, forward and gradient, on this device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    generator = torch.Generator(device).manual_seed(0)
    cuts = torch.tensor([0, 64, 128, 160, 512], dtype=torch.int32, device=device)
    module = torch.nn.Module()
    figures: dict[str, object] = {
        "gpu kernel": find_spec("torch.nn.attention.varlen") is not None and device == "cuda"
    }
    for name, heads, causal in (("vision", (16, 16), False), ("language", (16, 2), True)):
        query, key, value = (
            torch.randn(1, count, 512, 128, device=device, generator=generator, dtype=dtype).requires_grad_()
            for count in (heads[0], heads[1], heads[1])
        )
        setattr(module, "is_causal", causal)  # noqa: B010 - torch types what is set on a module
        out, _ = attention.flash_varlen(module, query, key, value, None, cu_seq_lens_q=cuts)
        grads = torch.autograd.grad(out.square().sum(), (query, key, value))
        parts = []
        for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            q, k, v = (states[:, :, start:end] for states in (query, key, value))
            parts.append(
                torch.nn.functional.scaled_dot_product_attention(
                    q, k, v, is_causal=causal, enable_gqa=heads[0] != heads[1]
                ).transpose(1, 2)
            )
        wanted = torch.cat(parts, 1)
        wanted_grads = torch.autograd.grad(wanted.square().sum(), (query, key, value))
        pairs = [(out, wanted), *zip(grads, wanted_grads, strict=True)]
        figures[name] = max(((first - second).norm() / second.norm()).item() for first, second in pairs)
    assert all(float(str(figures[name])) < 0.02 for name in ("vision", "language")), figures
    return figures


def measure(model: str, setting: str, data: list[str], steps: int, more: list[str]) -> dict[str, object]:
    """Figures of one setting: the trainer's own steps after a warm-up, its loader and optimiser among them."""
    rows, strategy, vision, checkpointing, dtype = setting.split(":")
    gpu = torch.cuda.is_available()
    on = {"on": "true", "off": "false"}
    with tempfile.TemporaryDirectory() as out:
        arguments = [
            "--scratch", model, "--data", *data, "--output_dir", out, "--max_steps", str(steps + 4),
            "--per_device_train_batch_size", rows, "--gradient_checkpointing", on[checkpointing],
            "--packing", "true" if strategy == "packed" else "false", "--vision_attention", vision,
            "--train_sampling_strategy", "group_by_length" if strategy == "grouped" else "random",
            "--dtype", dtype, "--bf16", str(gpu).lower(), "--use_cpu", str(not gpu).lower(),
            "--save_strategy", "no", "--logging_steps", "1", "--learning_rate", "1e-5",
            "--system_prompt", "You are a helpful assistant.", "--max_tokens", "2048", *more,
        ]  # fmt: skip
        given = sft.parse(arguments)
        try:
            started = sft.set_up(*given)
            assert started is not None  # a new folder holds no finished run
            trainer = sft.trainer_of(started, given[1], given[2])
            started.attach(trainer)
            trainer.train()
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not sft.is_out_of_memory(error):
                raise
            return {"setting": setting, "out of memory": True}
    logged = [line for line in trainer.state.log_history if "rows_per_second" in line][4:]
    seconds = sum(int(rows) / line["rows_per_second"] for line in logged)
    tokens = sum(line["tokens_per_second"] * int(rows) / line["rows_per_second"] for line in logged)
    slots = sum(
        line["tokens_per_second"] * int(rows) / line["rows_per_second"] / (1 - line["padding"])
        for line in logged
    )
    used = [line["mfu"] * int(rows) / line["rows_per_second"] for line in logged if "mfu" in line]
    return {
        "setting": setting,
        "rows/s": round(int(rows) * len(logged) / seconds, 2),
        "tokens/s": round(tokens / seconds),
        "padding": round(1 - tokens / slots, 4),
        "mfu": round(sum(used) / seconds, 4) if used else None,
        "peak GiB": round(torch.cuda.max_memory_allocated() / 2**30, 1) if gpu else None,
        "loss": [round(line["loss"], 3) for line in logged[-1:]],
    }


def speed(leg: Leg, given: argparse.Namespace) -> None:
    """The speed of each setting of each model, each in a process of its own."""
    for name, settings in (TINY if leg.tiny else SETTINGS).items():
        model = name
        if not leg.tiny:
            model = str(leg.out / name)
            if not Path(model, "config.json").exists():
                qwen.write(name, given.carry / "qwen.tiktoken", Path(model))
        for setting in settings:
            if leg.tiny:
                more = ["--limit", "4", "--max_pixels", "18816"]

                def work(model: str = model, setting: str = setting, more: list[str] = more) -> object:
                    return measure(model, setting, given.train, 1, more)
            else:
                more = ["--limit", "2000", "--max_pixels", "262144", "--dataloader_num_workers", "8"]

                def work(model: str = model, setting: str = setting, more: list[str] = more) -> object:
                    words = ["--measure", model, setting, "--train", *given.train, "--flags", " ".join(more)]
                    said = leg.run(["-m", "bench.gpu_proof", *words])
                    return json.loads(said.strip().rpartition("\n")[2])

            leg.stage(f"speed {name} {setting}", 0 if leg.tiny else 75, work)


def scratch(leg: Leg, given: argparse.Namespace) -> None:
    """Both trainings of small-scratch, and what their models read of the test set."""
    for name, more in RUNS.items():
        model, answers = leg.out / name, leg.out / f"{name}.jsonl"
        train = ["--config", str(RECIPE), "--output_dir", str(model), "--data", *given.train]
        train += ["--max_steps", str(given.steps), "--decode_data", given.test, *more, *given.flags.split()]
        predict = ["--model", str(model), "--data", given.test, "--out", str(answers), "--temperature", "0"]
        predict += [
            "--max_new_tokens",
            "256",
            "--batch",
            "128",
            "--engine",
            "transformers",
            *given.predict_flags.split(),
        ]

        def training(train: list[str] = train) -> object:
            return _last(_module(leg, "trainer.sft", train))

        def prediction(predict: list[str] = predict, answers: Path = answers) -> object:
            said = _last(_module(leg, "trainer.predict", predict))
            scored = evaluate([(answer.gt, answer.pred) for answer in read_predictions(answers)])
            return {"exprate": str(scored["exprate"]), "read": said}

        leg.stage(f"scratch {name}", 0 if leg.tiny else 60, training)
        leg.stage(f"predict {name}", 0 if leg.tiny else 60, prediction)


def _module(leg: Leg, name: str, arguments: list[str]) -> str:
    """Run a module; the tiny proof has it in this process, since importing torch takes longer than its work."""
    if not leg.tiny:
        return leg.run(["-m", name, *arguments])
    if name == "trainer.sft":
        sft.train(*sft.parse(arguments))
    else:
        from trainer import predict

        predict.predict(predict.parser().parse_args(arguments))
    return name


def _last(said: str) -> str:
    return said.strip().rpartition("\n")[2]


def best_of(done: Mapping[str, object]) -> dict[str, object]:
    """The fastest setting of each model.

    Args:
        done: What every stage found; that of `speed MODEL SETTING` has `rows/s` and `setting`.

    Returns:
        The settings by model.
    """
    best: dict[str, tuple[float, object]] = {}
    for key, value in done.items():
        if key.startswith("speed ") and isinstance(value, dict):
            model, rate = key.split(" ")[1], float(value.get("rows/s", 0))
            if model not in best or rate > best[model][0]:
                best[model] = rate, value["setting"]
    return {model: setting for model, (_, setting) in best.items()}


def result(leg: Leg, given: argparse.Namespace) -> Path:
    """Write the dated file of all figures."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU {platform.machine()}"
    content = {
        "date": date.today().isoformat(),
        "hardware": gpu,
        "peak bf16 operations/s": costs.peak_of_device(),
        "tiny": leg.tiny,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "parameters": {} if leg.tiny else {name: qwen.parameters_of(name) for name in SETTINGS},
        "steps of small-scratch": given.steps,
        "best": best_of(leg.done),
        "figures": leg.done,
    }
    given.results.mkdir(parents=True, exist_ok=True)
    kind = "-".join(gpu.lower().split())
    path = Path(given.results) / f"{content['date']}-gpu-proof-{kind}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--carry", type=Path, default=Path("build/carry"), help="what bench.gpu_proof_carry packed"
    )
    parser.add_argument("--out", type=Path, default=Path("build/gpu-proof"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--leg", type=float, default=530, help="seconds that this call may take")
    parser.add_argument("--steps", type=int, default=4000, help="of small-scratch, for each of its two runs")
    parser.add_argument("--train", nargs="+", help="default: CARRY/crohme")
    parser.add_argument("--test", help="default: CARRY/crohme:2014")
    parser.add_argument("--flags", default="", help="more flags of trainer.sft, in one string")
    parser.add_argument("--predict_flags", default="", help="more flags of trainer.predict")
    parser.add_argument("--tiny", action="store_true", help="on a CPU, with tiny models")
    parser.add_argument("--plan", action="store_true", help="only say what is done and what is left")
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "SETTING"), help=argparse.SUPPRESS)
    return parser


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = parser().parse_args(arguments)
    given.train = given.train or [str(given.carry / "crohme")]
    given.test = given.test or f"{given.carry / 'crohme'}:2014"
    if given.measure:
        model, setting = given.measure
        print(json.dumps(measure(model, setting, given.train, 12, given.flags.split())))
        return
    if not given.tiny and not torch.cuda.is_available() and not given.plan:
        sys.exit("gpu_proof: no GPU here; --tiny runs the whole of it on a CPU, to see that it runs")
    if not given.tiny and not (given.carry / "qwen.tiktoken").is_file():
        sys.exit(
            f"gpu_proof: {given.carry} holds no qwen.tiktoken: make it with python -m bench.gpu_proof_carry"
        )
    given.out.mkdir(parents=True, exist_ok=True)
    state = given.out / "state.json"
    done = json.loads(state.read_text(encoding="utf-8")) if state.is_file() else {}
    leg = Leg(given.out, time.monotonic() + given.leg, given.tiny, done)
    if given.plan:
        known = [
            f"speed {name} {setting}"
            for name, many in (TINY if given.tiny else SETTINGS).items()
            for setting in many
        ]
        for name in (
            "attention",
            *known,
            *(f"{what} {run}" for run in RUNS for what in ("scratch", "predict")),
        ):
            print(f"{'done' if name in done else 'left'}  {name}")
        return
    try:
        leg.stage("attention", 0, attention_agrees)
        speed(leg, given)
        scratch(leg, given)
    except TimeIsOver:
        print("this leg's time is over; the same command goes on", flush=True)
        return
    print(f"all is done: {result(leg, given)}", flush=True)


if __name__ == "__main__":
    main()
