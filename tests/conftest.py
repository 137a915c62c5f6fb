"""Shared: where the real corpora are, and hypothesis settings that fit two busy cores."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures"]

settings.register_profile(
    "project", deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("project")

# A shell that starts a job in the background has it ignore Ctrl-C, and so would every command tried here.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parent.parent
CORPORA = Path(os.environ.get("HMER_CORPORA", REPOSITORY.parent / "shared" / "corpora"))


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real labels and ink; tests that read it are skipped, and say so, where it is not."""
    if not CORPORA.is_dir():
        pytest.skip(f"no real corpora at {CORPORA}: set HMER_CORPORA to run this")
    return CORPORA


def read_labels(path: Path) -> list[str]:
    """The second column of a tsv file."""
    text = path.read_text(encoding="utf-8")
    return [line.removesuffix("\r").split("\t")[1] for line in text.split("\n") if "\t" in line]
