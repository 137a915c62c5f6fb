"""A recipe: the model's size, its sources of ink, and the stages of its training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from examples.reader.drawing import STILL, Jitter
from examples.reader.model import Size

TASKS = ("recognition", "tree_cot", "counting", "error_detection", "error_correction")


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps with one mixture of sources. `dense`: weight of the loss that asks what stands in each picture token;
    `answers`: whether answers are asked for at all."""

    steps: int
    sources: Mapping[str, float]
    answers: bool = True
    dense: float = 0.3
    jitter: float = 1.0

    def drawing(self) -> Jitter:
        """The jitter of this stage."""
        usual = Jitter()
        if not self.jitter:
            return STILL
        return Jitter(*[self.jitter * getattr(usual, name) for name in Jitter.__slots__])


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of a run. `stores`: the ink file of each source, without `.npz`; `decay`: the share of the steps over
    which the learning rate falls to nothing; `mined`, `noise`: files of `hmer-tasks errors mine` and `fit` that the
    error tasks' candidates come from, where they are not to come from the shipped noise model."""

    size: Size
    stores: Mapping[str, str]
    stages: tuple[Stage, ...]
    tasks: tuple[str, ...] = ("recognition",)
    mined: str | None = None
    noise: str | None = None
    held: str = "held-10"
    watched: int = 400  # of the held-out expressions, at most, are read for the curve
    budget: int = 2200  # tokens of a micro-batch
    accumulate: int = 2  # micro-batches of a step
    optimizer: str = "muon"
    rate: float = 2e-3
    matrix_rate: float = 4e-3  # of Muon
    weight_decay: float = 0.02
    warmup: int = 50
    decay: float = 0.25
    average: float = 0.998
    seed: int = 0

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def rate_at(self, step: int) -> float:
        """The learning rate at a step, as a share of its greatest."""
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return max(0.0, min(1.0, (step + 1) / self.warmup, left))

    def stage_at(self, step: int) -> tuple[int, Stage]:
        """The stage that a step belongs to, and its number."""
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, stage
            step -= stage.steps
        return len(self.stages) - 1, self.stages[-1]


def read_recipe(path: Path, **changes: object) -> Recipe:
    """A recipe from its file. Raises ValueError for a key that none has."""
    keys = {**yaml.safe_load(path.read_text(encoding="utf-8")), **changes}
    try:
        size = Size(**keys.pop("size", {}))
        stages = tuple(Stage(**stage) for stage in keys.pop("stages"))
        tasks = tuple(keys.pop("tasks", ("recognition",)))
        return Recipe(size=size, stages=stages, tasks=tasks, **keys)
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
