"""Worker processes end with the block that they work for, whatever they are doing."""

import os
import signal
import threading
import time

import pytest

from hmer_tasks.exceptions import Stopped
from hmer_tasks.utils.processes import init_worker, raise_on_signal, worker_pool


def large() -> bytes:
    """A result that takes a part of a second to send."""
    return bytes(300_000_000)


def test_a_pool_that_is_stopped_while_a_result_arrives():
    """Half of a result is all that comes of a worker that was ended: nothing may wait for the rest."""

    def work(seconds: float) -> None:
        with pytest.raises(KeyboardInterrupt), worker_pool(1, init_worker) as pool:
            pool.submit(large)
            time.sleep(seconds)
            raise KeyboardInterrupt

    for seconds in (0.2, 0.3, 0.4, 0.5, 0.6):  # some of them are in the middle of it
        thread = threading.Thread(target=work, args=(seconds,), daemon=True)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("kept", "message"), ((True, "what is finished is kept: run the same"), (False, "nothing was written"))
)
def test_a_stop_says_what_is_left(kept, message):
    with pytest.raises(Stopped, match=message) as caught, raise_on_signal(kept):
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.exit_code == 143
