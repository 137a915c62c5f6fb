"""Why a sample, a label or a picture is refused: the names that users grep for.

One list for the whole project: the parser, the corpora and the builder all refuse with one of
these, and `build.json`, `rejects.jsonl` and `hmer-tasks check` count and print them.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A named reason of refusal."""

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


class LabelError(ValueError):
    """A label, tree text or markup that is refused.

    `reason` says why, `position` is the index of the whitespace token at fault (of the line, for
    tree text), `detail` a few words for a person, `tokens` what was read, so that a caret can be
    drawn under the place.
    """

    def __init__(self, reason: Reason, position: int, detail: str = "", tokens: tuple[str, ...] = ()) -> None:
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


class PictureError(Exception):
    """A picture that cannot be had: a named reason, where it was looked for, and a few words.

    `where` is a name inside the corpus (`train/train_images/train_0.jpg`), never a machine's path,
    so that what a build writes about it is the same everywhere.
    """

    def __init__(self, reason: Reason, where: str, detail: str = "") -> None:
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
