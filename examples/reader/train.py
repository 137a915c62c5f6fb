"""Train a reader by a recipe; the same command goes on where it was stopped.

    python -m examples.reader.train --recipe examples/reader/reader-cpu.yaml --ink build/reader/ink --out build/reader/run
    python -m examples.reader.train ... --minutes 50          # one leg

RUN/log.jsonl has the curve, RUN/model the model as `trainer.predict` takes it: the running mean of the weights.
"""

import argparse
import json
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from examples.reader import model as models
from examples.reader.drawing import Drawn
from examples.reader.forward import TEXT, Network, Weights, cast
from examples.reader.ink import InkStore
from examples.reader.recipe import Recipe, read_recipe
from examples.reader.rows import Batch, Drawer, Drawing, Row, source_of, still_rows
from examples.reader.tasks import read_mistakes, texts_of
from hmer_tasks.errors.edits import edit_distance
from trainer import faults

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SAVE_EVERY, DECODE_EVERY, LOG_EVERY = 240.0, 300.0, 30.0  # seconds
DECODE_SHARE = 0.05  # of the time goes to reading what is held out, at most
RECIPE = "recipe.json"
Precision = torch.bfloat16


class Training:
    """A run's state: weights, their running mean, optimisers, and how far it is."""

    def __init__(self, recipe: Recipe, ink: Path, out: Path) -> None:
        self.recipe, self.out = recipe, out
        mistakes = read_mistakes(recipe.mined, recipe.noise)
        texts = {
            name: texts_of(InkStore(ink / f"{store}.npz").labels, recipe.tasks, recipe.seed, mistakes)
            for name, store in {**recipe.stores, "held": recipe.held}.items()
        }
        corpus = (
            text
            for name, rows in texts.items()
            if name != "held"
            for row in rows
            for pair in row
            for text in pair
        )
        self.model, self.processor = models.make(recipe.size, corpus, recipe.seed)
        self.tokenizer: PreTrainedTokenizerFast = self.processor.tokenizer
        self.network = Network(self.model, recipe.size)
        self.sources = {
            name: source_of(ink / f"{store}.npz", self.tokenizer, texts[name])
            for name, store in recipe.stores.items()
        }
        self.held = source_of(ink / f"{recipe.held}.npz", self.tokenizer, texts["held"])
        self.longest = max(len(rows[0].answer) for rows in self.held.rows) + 8
        self.stopped = False
        self.mean = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self.optimizers = optimizers_of(self.model, recipe)
        self.step = self.samples = 0
        self.tokens = 0
        self.seconds = 0.0
        if (out / "state.pt").exists():
            self._load()

    def _load(self) -> None:
        state = torch.load(self.out / "state.pt", weights_only=True)
        self.model.load_state_dict(state["model"], strict=False)
        self.mean = state["mean"]
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step, self.samples, self.seconds = state["step"], state["samples"], state["seconds"]
        self.tokens = state["tokens"]
        log = self.out / "log.jsonl"
        if log.exists():  # steps after the state was saved are done, and noted, once more
            lines = log.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= self.step]
            log.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    @contextmanager
    def _saves_when_stopped(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the training after the step in hand; the second one ends it at once."""

        def stop(number: int, _frame: FrameType | None) -> None:
            self.stopped = True
            signal.signal(number, before[number])

        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def save(self) -> None:
        """Write the state, and the model as it is read with."""
        self.out.mkdir(parents=True, exist_ok=True)
        own = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self._set(self.mean)
        models.save(self.model, self.processor, self.out / "model")
        self._set(own)
        state = {
            "model": dict(self.model.named_parameters()),
            "mean": self.mean,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "samples": self.samples,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        torch.save(state, self.out / "state.part")
        (self.out / "state.part").rename(self.out / "state.pt")  # last: who finds its end finds the model

    def _set(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(weights[name])

    def train(self, minutes: float) -> None:
        """Go on until the recipe's end, for so many minutes, or until Ctrl-C or SIGTERM; then save."""
        with self._saves_when_stopped():
            self._train(minutes)
        if self.step < self.recipe.steps:
            print(f"{self.step:,} of {self.recipe.steps:,} steps: the same command goes on")

    def _train(self, minutes: float) -> None:
        begun = saved = decoded = logged = time.monotonic()
        wait = DECODE_EVERY
        before, drawer = self.seconds, self._drawer()
        losses: list[tuple[float, float]] = []
        while self.step < self.recipe.steps and not self.stopped and time.monotonic() - begun < minutes * 60:
            at, stage = self.recipe.stage_at(self.step)
            share = self.recipe.rate_at(self.step)
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = group["most"] * share
            for _ in range(self.recipe.accumulate):
                batch = next(drawer)
                answer, dense = self.losses(cast(self.model, Precision), batch, stage.answers)
                ((answer + stage.dense * dense) / self.recipe.accumulate).backward()
                losses.append((float(answer.detach()), float(dense.detach())))
                self.samples += len(batch.ink)
                self.tokens += len(batch.ink) * (batch.grid[0] * batch.grid[1] + batch.ids.shape[1])
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            for optimizer in self.optimizers:
                optimizer.step()
                optimizer.zero_grad()
            self.step += 1
            self._average()
            now = time.monotonic()
            self.seconds = before + now - begun
            if now - logged > LOG_EVERY:
                self.note(loss=np.mean(losses, axis=0).round(4).tolist(), rate=round(share, 3), stage=at)
                losses, logged = [], now
            if now - decoded > wait:
                decoded = now
                if stage.answers:
                    self.note(**self.decode())
                    wait = max(DECODE_EVERY, (time.monotonic() - now) / DECODE_SHARE)
            if now - saved > SAVE_EVERY:
                self.save()
                saved = now
        drawer.close()
        if losses:
            self.note(loss=np.mean(losses, axis=0).round(4).tolist())
        self.save()
        self.note(**self.decode())

    def _drawer(self) -> Drawer:
        """The batches of the steps that are left, stage by stage."""
        drawings, start = [], 0
        for number, stage in enumerate(self.recipe.stages):
            first, start = max(start, self.step), start + stage.steps
            if first < start:
                count = (start - first) * self.recipe.accumulate
                drawings.append(
                    Drawing(stage.sources, stage.drawing(), count, (self.recipe.seed, number, first))
                )
        geometry, pad = self.recipe.size.geometry, self.tokenizer.pad_token_id
        return Drawer(self.sources, drawings, geometry, self.recipe.budget, pad)

    def _average(self) -> None:
        keep = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        names, values = zip(*self.model.named_parameters(), strict=True)
        torch._foreach_lerp_(
            [self.mean[name] for name in names], [value.detach() for value in values], 1 - keep
        )

    def losses(self, weights: Weights, batch: Batch, answers: bool) -> tuple[Tensor, Tensor]:
        """The mean loss of answers' tokens, and that of what stands in each picture token."""
        seen = self.network.see(weights, torch.from_numpy(batch.ink))
        table = weights[TEXT + "embed_tokens.weight"]
        cells = torch.from_numpy(batch.cells)
        inked = F.rms_norm(seen[cells[:, 0], cells[:, 1]], seen.shape[-1:])
        shares = torch.from_numpy(batch.shares)
        losses = F.cross_entropy((inked @ table.T).float(), torch.from_numpy(batch.symbols), reduction="none")
        dense = (losses * shares).sum() / shares.sum()
        if not answers:
            return dense.new_zeros(()), dense
        wanted = torch.from_numpy(batch.wanted)
        logits = self.network.read(weights, seen, batch.grid, torch.from_numpy(batch.ids), wanted.shape[1])
        answer = F.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), ignore_index=-100)
        return answer, dense

    @torch.no_grad()
    def decode(self) -> dict[str, object]:
        """How well the mean weights read what is held out, greedily."""
        own = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        self._set(self.mean)
        every = -(-len(self.held.store) // self.recipe.watched)
        labels = self.held.store.labels[::every]
        answers = self.answers(still_rows(self.held, self.recipe.size.geometry)[::every])
        self._set(own)
        pairs = [(label.split(), answer.split()) for label, answer in zip(labels, answers, strict=True)]
        distances = [edit_distance(wanted, read) for wanted, read in pairs]
        with (self.out / "held.jsonl").open("w", encoding="utf-8") as file:
            for label, answer in zip(labels, answers, strict=True):
                file.write(json.dumps({"gt": label, "pred": answer}) + "\n")
        return {
            "exprate": round(100 * float(np.mean([distance == 0 for distance in distances])), 2),
            "at most 1": round(100 * float(np.mean([distance <= 1 for distance in distances])), 2),
            "token errors": round(sum(distances) / sum(len(wanted) for wanted, _ in pairs), 4),
        }

    @torch.no_grad()
    def answers(self, rows: Sequence[tuple[Drawn, Row]]) -> list[str]:
        """The answers to these rows, decoded greedily."""
        weights = cast(self.model, Precision)
        end = self.tokenizer.convert_tokens_to_ids(models.END)
        groups = defaultdict(list)
        for at, (drawn, row) in enumerate(rows):
            groups[drawn.rows, drawn.columns, len(row.prompt)].append(at)
        out = [""] * len(rows)
        for (tall, wide, _), every in groups.items():
            ids = torch.from_numpy(np.stack([rows[at][1].prompt for at in every]))
            seen = self.network.see(weights, torch.from_numpy(np.stack([rows[at][0].ink for at in every])))
            start, done = ids.shape[1], torch.zeros(len(every), dtype=torch.bool)
            while ids.shape[1] - start < self.longest and not done.all():
                chosen = self.network.read(weights, seen, (tall, wide), ids, 1)[:, -1].argmax(-1)
                done |= chosen == end
                ids = torch.cat([ids, chosen[:, None]], dim=1)
            for at, answer in zip(every, ids[:, start:].tolist(), strict=True):
                kept = answer[: answer.index(end)] if end in answer else answer
                out[at] = self.tokenizer.decode(kept, skip_special_tokens=True)
        return out

    def note(self, **figures: object) -> None:
        """A line of the log, and on the screen."""
        line = {
            "step": self.step,
            "samples": self.samples,
            "tokens": self.tokens,
            "seconds": round(self.seconds),
            **figures,
        }
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


def optimizers_of(model: "PreTrainedModel", recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices and AdamW for the rest, or AdamW for all."""
    named = list(model.named_parameters())
    inside = [value for name, value in named if value.ndim == 2 and "embed" not in name]
    if recipe.optimizer != "muon":
        inside = []
    chosen = {id(value) for value in inside}
    rest = [value for _, value in named if id(value) not in chosen]
    flat = [value for value in rest if value.ndim < 2]
    groups = [
        {"params": [value for value in rest if value.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": flat, "weight_decay": 0.0},
    ]
    for group in groups:
        group["most"] = recipe.rate
    adam = torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.98), fused=True)
    if not inside:
        return [adam]
    muon = torch.optim.Muon(
        [{"params": inside, "most": recipe.matrix_rate}],
        lr=recipe.matrix_rate,
        weight_decay=recipe.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    return [adam, muon]


def refuse_other_recipe(recipe: Recipe, out: Path) -> None:
    """End with one line where a run in `out` is of another recipe: it would go on as neither."""
    if not (out / "state.pt").exists() or not (out / RECIPE).exists():
        return
    before = json.loads((out / RECIPE).read_text(encoding="utf-8"))
    now = json.loads(json.dumps(asdict(recipe)))
    changed = [name for name in now if name in before and now[name] != before[name]]
    if changed:
        raise SystemExit(
            f"{out} holds a run of another recipe ({', '.join(changed)} changed): name another folder with --out"
        )


def main(arguments: Iterable[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="examples.reader.train", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--ink", type=Path, required=True, help="the folder of examples.reader.ink")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--minutes", type=float, default=1e9, help="stop after so many; the same command goes on"
    )
    parser.add_argument("--set", nargs="*", default=[], help="KEY=JSON over the recipe's keys")
    given = parser.parse_args(arguments)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    changes = {key: json.loads(value) for key, _, value in (setting.partition("=") for setting in given.set)}
    recipe = read_recipe(given.recipe, **changes)
    refuse_other_recipe(recipe, given.out)
    training = Training(recipe, given.ink, given.out)
    given.out.mkdir(parents=True, exist_ok=True)
    about = {"parameters": sum(value.numel() for value in training.model.parameters()), **asdict(recipe)}
    (given.out / RECIPE).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    training.train(given.minutes)


if __name__ == "__main__":
    faults.run("examples.reader.train", main)
