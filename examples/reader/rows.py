"""Batches of pictures of one size with their answers, drawn in a process of their own.

Pictures of one size and nothing else stand in a batch: nothing is padded but the ends of answers.
"""

import multiprocessing
import os
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty, Full
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from examples.reader.drawing import STILL, Drawn, Geometry, Jitter, draw
from examples.reader.ink import InkStore

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from transformers import PreTrainedTokenizerFast

POOL = 4096  # pictures drawn before they are sorted into batches
LONGEST = 192  # tokens of a row's text, at most
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Row:
    """A picture's question and answer as tokens."""

    prompt: NDArray[np.int64]
    answer: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Source:
    """Ink with its rows: `rows[i]` are those of sample i, of which one is taken each time."""

    store: InkStore
    rows: Sequence[Sequence[Row]]
    tokens: NDArray[np.int64]  # of the store's symbols


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one size, their texts, and what stands where.

    `ids` (pictures, places): a token, the picture's place, prompt and answer, padding. `wanted`: what follows each
    of the last places, IGNORED where nothing is asked. `cells`: (amount, 2), a picture and one of its tokens;
    `symbols`: the token of what is drawn there; `shares`: of the ink there.
    """

    ink: NDArray[np.uint8]
    grid: tuple[int, int]
    ids: NDArray[np.int64]
    wanted: NDArray[np.int64]
    cells: NDArray[np.int64]
    symbols: NDArray[np.int64]
    shares: NDArray[np.float32]


def source_of(
    path: Path, tokenizer: "PreTrainedTokenizerFast", texts: Sequence[Sequence[tuple[str, str]]]
) -> Source:
    """A store with the tokens of its rows. `texts`: for each sample its (prompt, answer) pairs."""
    store = InkStore(path)
    flat = [text for pairs in texts for pair in pairs for text in pair]
    ids = iter(tokenizer(flat, add_special_tokens=False)["input_ids"] if flat else [])
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    opens, closes = tokenizer.convert_tokens_to_ids(["<|vision_start|>", "<|vision_end|>"])
    rows = [
        [Row(np.array([opens, closes, *next(ids), start]), np.array([*next(ids), end])) for _ in pairs]
        for pairs in texts
    ]
    symbols = tokenizer(store.symbols, add_special_tokens=False)["input_ids"]
    return Source(store, rows, np.array([ids_of_symbol[0] for ids_of_symbol in symbols]))


def drawn_rows(
    sources: Mapping[str, Source],
    weights: Mapping[str, float],
    geometry: Geometry,
    jitter: Jitter,
    rng: np.random.Generator,
) -> Iterator[tuple[Drawn, Row]]:
    """Rows without end, of sources by weight."""
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    while True:
        picked = rng.choice(len(names), 1024, p=shares / shares.sum())
        for number in picked.tolist():
            source = sources[names[number]]
            index = int(rng.integers(len(source.store)))
            rows = source.rows[index]
            points, counts, symbols = source.store.strokes(index)
            drawn = draw(points, counts, source.tokens[symbols], geometry, jitter, rng)
            yield drawn, rows[int(rng.integers(len(rows)))]


def batches(
    rows: Iterator[tuple[Drawn, Row]], budget: int, pad: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Batches of about `budget` tokens, of pictures of one size, without end."""
    waiting: dict[tuple[int, int, int], list[tuple[Drawn, Row]]] = defaultdict(list)
    while True:
        ready: list[list[tuple[Drawn, Row]]] = []
        for _ in range(POOL):
            drawn, row = next(rows)
            length = len(row.prompt) + len(row.answer)
            if length > LONGEST:
                continue
            key = (drawn.rows, drawn.columns, length // 16)
            waiting[key].append((drawn, row))
            if len(waiting[key]) * (drawn.rows * drawn.columns + 14 + 16 * key[2]) >= budget:
                ready.append(waiting.pop(key))
        for at in rng.permutation(len(ready)).tolist():
            yield collate(ready[at], pad)


def collate(rows: Sequence[tuple[Drawn, Row]], pad: int) -> Batch:
    """One batch of these."""
    longest = max(len(row.prompt) + len(row.answer) for _, row in rows)
    asked = longest - min(len(row.prompt) for _, row in rows) + 1
    ids = np.full((len(rows), longest), pad, np.int64)
    wanted = np.full((len(rows), longest), IGNORED, np.int64)
    for number, (_, row) in enumerate(rows):
        whole = np.concatenate([row.prompt, row.answer])
        ids[number, : len(whole)] = whole
        wanted[number, len(row.prompt) - 1 : len(whole) - 1] = row.answer
    amounts = [len(drawn.cells) for drawn, _ in rows]
    cells = np.concatenate([drawn.cells for drawn, _ in rows])
    first = rows[0][0]
    return Batch(
        np.stack([drawn.ink for drawn, _ in rows]),
        (first.rows, first.columns),
        ids,
        wanted[:, -asked:],
        np.column_stack([np.repeat(np.arange(len(rows)), amounts), cells]),
        np.concatenate([drawn.symbols for drawn, _ in rows]),
        np.concatenate([drawn.shares for drawn, _ in rows]),
    )


def still_rows(source: Source, geometry: Geometry) -> list[tuple[Drawn, Row]]:
    """Every sample once, drawn as it is, with its first row."""
    rng = np.random.default_rng(0)
    out = []
    for index in range(len(source.store)):
        points, counts, symbols = source.store.strokes(index)
        out.append(
            (draw(points, counts, source.tokens[symbols], geometry, STILL, rng), source.rows[index][0])
        )
    return out


@dataclass(frozen=True, slots=True)
class Drawing:
    """So many batches of sources by weight."""

    weights: Mapping[str, float]
    jitter: Jitter
    batches: int
    seed: tuple[int, ...]


class Drawer:
    """Batches from a process of its own, which is not in the way of the one that trains.

    It is forked once, before training fills the memory: each page that both have would be copied when it is written.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        drawings: Sequence[Drawing],
        geometry: Geometry,
        budget: int,
        pad: int,
    ) -> None:
        context = multiprocessing.get_context("fork")
        self._queue: Queue[Batch] = context.Queue(maxsize=48)
        trainer = os.getpid()

        def work() -> None:
            # They may be sent to all processes: the trainer saves first, and then ends this one.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.nice(7)
            for drawing in drawings:
                rng = np.random.default_rng(drawing.seed)
                rows = drawn_rows(sources, drawing.weights, geometry, drawing.jitter, rng)
                for batch in islice(batches(rows, budget, pad, rng), drawing.batches):
                    self._put(batch, trainer)

        self._process = context.Process(target=work, daemon=True)
        self._process.start()

    def _put(self, batch: Batch, trainer: int) -> None:
        """Hand a batch over; end where the trainer was killed, which could not end this process."""
        while os.getppid() == trainer:
            try:
                return self._queue.put(batch, timeout=10)
            except Full:
                continue
        os._exit(1)

    def __next__(self) -> Batch:
        """The next batch. Ends the program with one line where the process that draws has ended."""
        while True:
            try:
                return self._queue.get(timeout=2)
            except Empty:
                if not self._process.is_alive():
                    raise SystemExit(
                        "the process that draws pictures was killed (is there memory?): the same command goes on"
                    ) from None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
