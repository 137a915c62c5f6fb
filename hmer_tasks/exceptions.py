"""Every error that a user may see, in one tree, and the named reasons for which a sample is refused.

    HmerError                   exit code 1
    ├── UsageError              exit code 2: arguments that make no sense
    │   └── PromptError         a prompt set that cannot be used
    ├── BuildError              a build that cannot go on
    ├── CorpusError             a corpus that cannot be read
    │   └── CorpusMissingError  nothing lies where the corpus was looked for
    ├── PictureError            a picture that cannot be read
    ├── LabelError              a label, tree text or markup that is refused (also a ValueError)
    ├── PredictionError         a prediction file that cannot be used
    ├── NoiseError              a noise file that cannot be used
    ├── MissingLibraryError     an extra that is not installed
    ├── ProofError              a row that is not what its task promises: a bug
    └── Stopped                 the user stopped the work; exit code 128 + signal

The message of each is one line that says what, where and what to do. The command line prints it and
ends with `exit_code`; nothing else decides on exit codes.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum


class HmerError(Exception):
    """The root of the tree.

    Attributes:
        exit_code: what a command ends with when this error reaches it.
    """

    exit_code = 1


class UsageError(HmerError):
    """Arguments that cannot be used as they are."""

    exit_code = 2


class PromptError(UsageError):
    """A prompt set that is not known, or not one."""


class BuildError(HmerError):
    """A build that cannot go on."""


class CorpusError(HmerError):
    """A corpus that cannot be read at all."""


class CorpusMissingError(CorpusError):
    """Nothing at all lies where the corpus was looked for."""


class PredictionError(HmerError):
    """A prediction file that cannot be used."""


class NoiseError(HmerError):
    """A noise file that cannot be used."""


class MissingLibraryError(HmerError):
    """An extra that is not installed; the message says what to install."""


class ProofError(HmerError):
    """A row is not what its task promises."""


class Stopped(HmerError):  # noqa: N818 - not an error: the user asked for it
    """The user stopped the work (SIGINT, SIGTERM).

    Args:
        signal: the number of the signal.
        kept: whether the same command goes on from what is finished.
    """

    def __init__(self, signal: int, kept: bool = True) -> None:
        what = "what is finished is kept: run the same command to go on" if kept else "nothing was written"
        super().__init__(f"stopped; {what}")
        self.signal = signal
        self.exit_code = 128 + signal


class RejectReason(StrEnum):
    """Why a sample, a label or a picture is refused: the names that users grep for.

    One list for the whole project: the parser, the corpora and the builder all refuse with one of
    these, and `build.json`, `rejects.jsonl` and `hmer-tasks check` count and print them.
    """

    # the label
    EMPTY_LABEL = "empty_label"
    RESERVED_TOKEN = "reserved_token"
    UNBALANCED_BRACE = "unbalanced_brace"
    UNBALANCED_BRACKET = "unbalanced_bracket"
    UNBALANCED_ENVIRONMENT = "unbalanced_environment"
    UNKNOWN_ENVIRONMENT = "unknown_environment"
    MISSING_ARGUMENT = "missing_argument"
    DOUBLE_SCRIPT = "double_script"
    TOO_DEEP = "too_deep"
    BAD_CHARACTER = "bad_character"
    RELEASED_UNBUILDABLE = "released_unbuildable"
    LOST_TEXT = "lost_text"
    NOT_MATHEMATICS = "not_mathematics"
    UNKNOWN_COMMAND = "unknown_command"
    NO_DIFFERENCE = "no_difference"  # a solution with a mistake that its corrected form does not show

    # the label's file
    NOT_UTF8 = "not_utf8"
    MALFORMED_LINE = "malformed_line"
    LABEL_MISSING = "label_missing"
    DUPLICATE_ID = "duplicate_id"

    # the picture or ink
    IMAGE_MISSING = "image_missing"
    IMAGE_OUTSIDE_ROOT = "image_outside_root"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_TOO_LONG = "image_too_long"
    IMAGE_TOO_SMALL = "image_too_small"
    IMAGE_BLANK = "image_blank"
    IMAGE_ANIMATED = "image_animated"
    IMAGE_NOT_CLEAN = "image_not_clean"  # of `verify` alone: the gate would have changed it
    INK_UNREADABLE = "ink_unreadable"
    INK_EMPTY = "ink_empty"
    INK_UNSUPPORTED = "ink_unsupported"
    NOT_DRAWABLE = "not_drawable"

    # a tree in text form, or a marked expression
    BAD_TREE_TEXT = "bad_tree_text"
    BAD_MARKUP = "bad_markup"

    # the user's own list (`build --exclude FILE`)
    EXCLUDED = "excluded"


class PictureError(HmerError):
    """A picture that cannot be had.

    Args:
        reason: the named reason.
        where: a name inside the corpus (`train/train_images/train_0.jpg`), never a machine's path, so
            that what a build writes about it is the same everywhere.
        detail: a few words for a person.
    """

    def __init__(self, reason: RejectReason, where: str, detail: str = "") -> None:
        super().__init__(reason, where, detail)
        self.reason = reason
        self.where = where
        self.detail = detail

    @property
    def place(self) -> str:
        """`where`, and the detail if there is one."""
        return f"{self.where}: {self.detail}" if self.detail else self.where

    def __str__(self) -> str:
        return f"{self.reason} at {self.place}"


class LabelError(HmerError, ValueError):
    """A label, tree text or marked expression that is refused.

    Args:
        reason: the named reason.
        position: index of the whitespace token at fault; of the line, for tree text.
        detail: a few words for a person.
        tokens: what was read, so that a caret can be drawn under the place.
    """

    def __init__(
        self, reason: RejectReason, position: int, detail: str = "", tokens: tuple[str, ...] = ()
    ) -> None:
        super().__init__(reason, position, detail, tokens)
        self.reason = reason
        self.position = position
        self.detail = detail
        self.tokens = tokens

    def __str__(self) -> str:
        what = f"{self.reason} at token {self.position}"
        return f"{what}: {self.detail}" if self.detail else what

    def caret(self, width: int = 100) -> str:
        """Two lines: the tokens around the place, and a caret under it."""
        if not self.tokens:
            return ""
        at = min(max(self.position, 0), len(self.tokens))
        before = " ".join(self.tokens[:at])
        here = self.tokens[at] if at < len(self.tokens) else ""
        after = " ".join(self.tokens[at + 1 :])
        if len(before) > width // 2:
            before = "…" + before[-(width // 2) :]
        line = f"{before} {here} {after}" if before else f"{here} {after}"
        start = len(before) + 1 if before else 0
        return f"{line[:width].rstrip()}\n{' ' * start}{'^' * max(1, len(here))}"


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint for a misspelled name.

    Args:
        name: what was written.
        choices: the names that exist.

    Returns:
        `did you mean NEAREST? ` with a blank behind it, or nothing where no name is near.

    Examples:
        >>> did_you_mean("hme100", ["hme100k", "crohme"])
        'did you mean hme100k? '
    """
    near = get_close_matches(name.lower(), list(choices), 1)
    return f"did you mean {near[0]}? " if near else ""
