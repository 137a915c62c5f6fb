"""A DataLoader's workers leave signals to the process that trains.

Ctrl-C, `timeout`, `pkill`, torchrun and Slurm send a signal to all processes of a run. Torch's workers would
die of it, and the training of their death, before it could save a checkpoint.
"""

import os
import signal
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from transformers import Trainer

if TYPE_CHECKING:
    from torch.utils.data import DataLoader


class SignalSafeLoading(Trainer):
    """A trainer whose loader's workers ignore SIGINT, and SIGTERM unless the trainer itself sends it."""

    def get_train_dataloader(self) -> "DataLoader[object]":
        """The loader of the rows, before any of its workers has begun."""
        loader = super().get_train_dataloader()
        own = getattr(loader, "base_dataloader", loader)  # accelerate's loader holds the one that has workers
        own.worker_init_fn = partial(_start, before=own.worker_init_fn)
        return loader


def _start(worker: int, before: Callable[[int], object] | None) -> None:
    if before is not None:
        before(worker)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Torch ends a worker that does not end by itself by SIGTERM: were it ignored altogether, a crashed run
    # could wait for its workers for ever. Only a thread that waits for a signal learns who sent it.
    if hasattr(signal, "sigwaitinfo"):  # Linux
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        Thread(target=_end_when_asked, args=(os.getppid(),), daemon=True).start()


def _end_when_asked(trainer: int) -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != trainer:
        pass
    os._exit(0)
