"""Where each target begins: small hand-written files, and everything that was found before."""

from pathlib import Path

_HERE = Path(__file__).parent
GNARLY = _HERE.parent.parent / "data" / "gnarly"


def gnarly(target: str) -> list[Path]:
    """The target's files of tests/data/gnarly, by name."""
    return sorted(path for path in (GNARLY / target).glob("*") if path.is_file())


def seeds(target: str) -> list[bytes]:
    """The bytes of every seed and gnarly file of a target, always in the same order."""
    files = sorted(path for path in (_HERE / target).glob("*") if path.is_file())
    return [path.read_bytes() for path in [*files, *gnarly(target)]]
