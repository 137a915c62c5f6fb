"""Addresses such as s3://bucket/name: distinguished from paths, opened by fsspec, retried when they fail."""

import errno
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hmer_tasks.exceptions import MissingLibraryError
from hmer_tasks.utils.terminal import echo

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

PathOrUrl = Path | str  # a path, or a URL as text
T = TypeVar("T")

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
TRIES = 6
FIRST_WAIT = 0.5  # seconds; each wait is twice the one before, 15.5 s in all

# What the backends raise that is no OSError, by the module that defines it: looked up only where the
# backend has been loaded.
_FAILURES = {
    "botocore.exceptions": ("BotoCoreError", "ClientError", "HTTPClientError"),
    "aiohttp": ("ClientError",),
    "httpx": ("HTTPError",),
    "gcsfs.retry": ("HttpError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "huggingface_hub.errors": ("HfHubHTTPError",),
}
# What asking again does not change.
_FINAL = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
_FINAL_NAMES = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError"}


class RemoteError(OSError):
    """A store that cannot be reached, or keeps failing: what was tried, and how often."""


def is_url(place: PathOrUrl) -> bool:
    """Whether a place is a URL; `file://` is a path."""
    return isinstance(place, str) and bool(_SCHEME.match(place)) and not place.startswith("file://")


def parse_location(text: str) -> PathOrUrl:
    """What a user wrote, as a path or a URL without a slash at its end."""
    return text.rstrip("/") if is_url(text) else Path(text.removeprefix("file://"))


def cache_folder() -> Path:
    """Where what was fetched from URLs is kept: HMER_CACHE, or hmer-tasks in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hmer-tasks"
    return Path(os.environ.get("HMER_CACHE", default))


def filesystem(url: str) -> "tuple[AbstractFileSystem, str]":
    """fsspec's file system for a URL, and the path in it. Raises MissingLibraryError, RemoteError.

    Asked for anew by each process: what fsspec opened before a fork is of no use after it.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingLibraryError(
            f"{url} needs fsspec and its backend: pip install 'hmer-tasks[remote]'"
        ) from None
    try:
        # Others write there as well: what a listing said a minute ago says nothing.
        fs, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        hint = " (s3:// comes with pip install 'hmer-tasks[remote]')" if url.startswith("s3") else ""
        raise MissingLibraryError(f"{url}: {error}{hint}") from None
    except ValueError as error:  # a protocol that nobody knows
        raise RemoteError(errno.EINVAL, str(error), url) from None
    if url.startswith("hf://"):
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()  # one a file; a build has its own
    return fs, str(path).rstrip("/")


def retry(url: str, action: Callable[[], T]) -> T:
    """What `action` returns, asked again with growing pauses when it fails.

    Raises RemoteError with the last failure after `TRIES`; what asking again does not change (nothing
    there, no right to it, no credentials) at once.
    """
    for turn in range(1, TRIES + 1):
        try:
            return action()
        except _FINAL:
            raise
        except _failures() as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            if type(error).__name__ in _FINAL_NAMES:
                raise RemoteError(errno.EACCES, why, url) from error
            if turn == TRIES:
                raise RemoteError(errno.EIO, f"tried {TRIES} times: {why}", url) from error
            echo(f"{url}: {why}; tried {turn} of {TRIES} times, trying again", err=True)
        time.sleep(FIRST_WAIT * 2 ** (turn - 1))
    raise AssertionError("the loop returns or raises")


def _failures() -> tuple[type[Exception], ...]:
    failures: list[type[Exception]] = [OSError]
    for module, names in _FAILURES.items():
        loaded = sys.modules.get(module)
        failures += [getattr(loaded, name) for name in names if hasattr(loaded, name)]
    return tuple(failures)
