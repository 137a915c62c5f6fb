"""Error-driven learning in one command: folds, k models, what each reads of its held-out fold, rows.

# On a CPU, whole, with a tiny model on the embedded sample: make error-corpus
python -m trainer.error_loop --dataset sample -k 3 --recipe trainer/recipes/error-loop-cpu.yaml \\
    --max_new_tokens 160 --batch 32 --out build/error-corpus/sample

# On one GPU, with a real corpus and the published recipe
python -m trainer.error_loop --dataset hme100k -k 3 --out build/error-corpus/hme100k \\
    --recipe trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml \\
    --launch "accelerate launch --config_file trainer/accelerate/single_gpu.yaml"

# On eight: each model is trained on all of them, then three predictors read, each on a GPU of its own
python -m trainer.error_loop --dataset hme100k -k 3 --out build/error-corpus/hme100k \\
    --recipe trainer/recipes/uni-mumer-qwen2.5-vl-7b.yaml --predictors 3 \\
    --launch "accelerate launch --config_file trainer/accelerate/fsdp2_8gpu.yaml"

Stages, each with its figures on the terminal and in OUT/loop.json: the corpus cut into k folds, no
expression on two sides (OUT/folds.jsonl); its shards without mistakes (OUT/base); k models, each trained on
all folds but one (OUT/fold-I/model); several answers to each picture of the fold held out
(OUT/fold-I/predictions.jsonl); the wrong ones that can be learnt from (OUT/mined.jsonl); all five tasks'
rows, mined mistakes first and synthetic ones for the rest (OUT/build). At the end ten mined rows are shown
with their pictures (OUT/mined.png). Train on OUT/build then; OUT/base and the models may go.

The same command goes on where it was stopped, whatever stopped it (SIGKILL too). With other arguments it
is refused. Other caps without another training: `hmer-tasks errors mine OUT/fold-*/predictions.jsonl`.
"""

import argparse
import signal
from dataclasses import replace
from pathlib import Path

from hmer_tasks.build import BuildError, BuildOptions, Stopped, build
from hmer_tasks.build import UsageError as WrongBuild
from hmer_tasks.build.folds import write_folds
from hmer_tasks.build.pool import stoppable
from hmer_tasks.corpora import CorpusError
from hmer_tasks.errors.hopeless import FARTHEST
from hmer_tasks.errors.mine import Caps, mine_files
from hmer_tasks.errors.predictions import PredictionError
from hmer_tasks.tasks import TASK_NAMES
from hmer_tasks.whole import sha256_of
from trainer import faults
from trainer.error_loop_figures import Figures, of_build, of_mined, of_predictions, of_training
from trainer.error_loop_sheet import show_mined
from trainer.error_loop_stages import Stages, Step, claimed, launcher
from trainer.faults import TrainError, UsageError

# What may differ when the loop goes on: where it is, and how it runs.
_ANYHOW = ("out", "launch", "predictors", "workers", "root", "recipe")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="trainer.error_loop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--dataset", required=True, help="a corpus by its name, as in `hmer-tasks build --dataset`")
    add("--root", type=Path, help="where the corpus lies")
    add("--split", action="append", help="a split; can be repeated. Default: train")
    add("--limit", type=int, help="only the first so many inputs of each split")
    add("-k", "--folds", type=int, default=3, help="how many folds, and models")
    add("--seed", type=int, default=0, help="of the folds, the sampling and the synthetic candidates")
    add("--recipe", type=Path, required=True, help="what trainer.sft trains by: trainer/recipes/*.yaml")
    add("--train_args", default="", help="further flags of trainer.sft, in one string")
    add("--tasks", default="recognition,tree_cot,counting", help="what the k models are trained on")
    add("--out", type=Path, required=True, help="where everything goes")
    add("--launch", default="", help="what starts a training, in one string; default: this Python")
    add("--predictors", type=int, default=1, help="how many folds are read at once, each on a GPU of its own")
    add("--samples", type=int, default=4, help="answers a picture")
    add("--temperature", type=float, default=0.7)
    add("--top_p", type=float, default=0.95)
    add("--top_k", type=int, default=50)
    add("--max_new_tokens", type=int, default=2048)
    add("--batch", type=int, default=16, help="pictures read at a time")
    add("--per_sample", type=int, default=3, help="at most so many candidates of one picture")
    add("--per_kind", type=int, default=200, help="at most so many with the very same mistakes")
    add("--longest_edit", type=int, default=20, help="at most so many tokens in one mistake")
    add("--farthest", type=float, default=FARTHEST, help="at most this distance, as a share of the length")
    add("--clean_share", type=float, default=0.1, help="share of samples that also get rows that are right")
    add("--workers", type=int, default=0, help="processes of a build; 0: one a core")
    return made


def settings_of(given: argparse.Namespace) -> dict[str, object]:
    """What makes a loop this loop. Raises UsageError."""
    if not given.recipe.is_file():
        raise UsageError(f"no recipe {given.recipe}: they are in trainer/recipes/")
    if given.folds < 2:
        raise UsageError(f"-k must be at least 2, not {given.folds}")
    for name in ("samples", "batch", "max_new_tokens", "predictors", "per_sample", "per_kind"):
        if getattr(given, name) < 1:
            raise UsageError(f"--{name} must be at least 1")
    if given.temperature <= 0:
        raise UsageError("--temperature must be above 0: the answers to a picture must differ")
    for name in given.tasks.split(","):
        if name not in TASK_NAMES or name.startswith("error_"):
            raise UsageError(f"--tasks: {name!r} is no task about a label; a model's mistakes come later")
    known = {name: value for name, value in sorted(vars(given).items()) if name not in _ANYHOW}
    return {**known, "recipe": sha256_of(given.recipe)}


def loop(given: argparse.Namespace) -> None:
    """The whole loop. Raises what `main` makes a line of."""
    settings = settings_of(given)
    out, folds, mined = given.out, given.out / "folds.jsonl", given.out / "mined.jsonl"
    caps = Caps(given.per_sample, given.per_kind, given.longest_edit, given.farthest)
    options, numbers = _options(given), range(given.folds)
    with claimed(out) as lock:
        stages = Stages(out, settings, lock)

        def cut() -> Figures:
            sizes = write_folds(options, given.folds, folds)
            if 0 in sizes:
                raise UsageError(f"too few expressions for -k {given.folds}: a fold is empty")
            return {"pictures": sum(sizes), "folds": sizes}

        def base() -> Figures:
            tasks = tuple(given.tasks.split(","))
            return of_build(build(replace(options, out=out / "base", tasks=tasks)))

        def final() -> Figures:
            mistakes = replace(options, errors=f"{mined},synthetic", clean_share=given.clean_share)
            return of_build(build(replace(mistakes, out=out / "build")))

        stages.run("folds", cut)
        stages.run("base", base)
        stages.run_each([_training(given, fold) for fold in numbers], at_once=1)
        stages.run_each([_prediction(given, fold) for fold in numbers], at_once=given.predictors)
        read = [out / f"fold-{fold}" / "predictions.jsonl" for fold in numbers]
        stages.run("mine", lambda: of_mined(mine_files(read, mined, caps)))
        stages.run("build", final)
    shown = show_mined(out / "build", mined, out / "mined.png")
    print(f"{shown} mined rows with their pictures: {out / 'mined.png'}" if shown else "no row was mined")
    print(f"figures: {out / 'loop.json'}; train on {out / 'build'}", flush=True)


def _options(given: argparse.Namespace) -> BuildOptions:
    splits = tuple(given.split or ("train",))
    return BuildOptions(
        given.dataset, given.root, splits, limit=given.limit, seed=given.seed, workers=given.workers
    )


def _side(given: argparse.Namespace, fold: int, side: str) -> list[str]:
    """The flags that name one side of a fold. A split is named: another may lie beside it."""
    data = [f"{given.out / 'base'}:{split}" for split in given.split or ("train",)]
    folds = given.out / "folds.jsonl"
    return ["--data", *data, "--folds", str(folds), "--fold", str(fold), "--side", side]


def _training(given: argparse.Namespace, fold: int) -> Step:
    model = given.out / f"fold-{fold}" / "model"
    command = [
        *launcher(given.launch), "-m", "trainer.sft", "--config", str(given.recipe),
        *_side(given, fold, "train"), "--output_dir", str(model), *given.train_args.split(),
    ]  # fmt: skip
    return Step(f"train {fold}", command, lambda: of_training(model))


def _prediction(given: argparse.Namespace, fold: int) -> Step:
    place = given.out / f"fold-{fold}"
    out = place / "predictions.jsonl"
    names = ("samples", "temperature", "top_p", "top_k", "max_new_tokens", "batch", "seed")
    command = [
        *launcher(""), "-m", "trainer.predict", "--model", str(place / "model"), *_side(given, fold, "held"),
        *(word for name in names for word in (f"--{name}", str(getattr(given, name)))), "--out", str(out),
    ]  # fmt: skip
    return Step(f"predict {fold}", command, lambda: of_predictions(out))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    given = parser().parse_args(arguments)
    try:
        with stoppable():
            loop(given)
    except WrongBuild as error:
        raise UsageError(str(error)) from error
    except (BuildError, CorpusError, PredictionError) as error:
        raise TrainError(str(error)) from error
    except Stopped as stop:
        if stop.signal == signal.SIGINT:
            raise KeyboardInterrupt from None
        raise faults.Stopped("stopped; what is done is kept: the same command goes on") from None


if __name__ == "__main__":
    faults.run("trainer.error_loop", main)
