"""`hmer-tasks datasets`: which corpora there are, whence, how they lie, and whether they are here."""

import textwrap
from typing import TYPE_CHECKING

from hmer_tasks.exceptions import CorpusError
from hmer_tasks.utils.terminal import plain_console

if TYPE_CHECKING:
    from hmer_tasks.corpora import Corpus


def datasets() -> None:
    """List the corpora: where they come from, how they must lie, and whether they are here."""
    # Inside: every command would wait for all corpora, and for the libraries that read their pictures.
    from hmer_tasks.corpora import CORPORA
    from hmer_tasks.storage.files import ENDINGS

    console = plain_console()
    for corpus in CORPORA.values():
        here, is_present = _here(corpus)
        # No markup and no wrapping of rich's own: an address must come out as it is.
        console.print(corpus.name, style="bold" if is_present else "", end="")
        console.print(f": {here}", soft_wrap=True)
        for what, text in (
            ("splits", ", ".join(corpus.splits) or "as the files name them, or a column"),
            ("from", corpus.origin),
            ("licence", corpus.licence),
            ("layout", corpus.layout),
            *([("caution", corpus.caution)] if corpus.caution else []),
        ):
            console.print(_wrapped(what, text, console.width), soft_wrap=True)
        console.print()
    console.print(
        f"A corpus elsewhere: --root FOLDER or --root ARCHIVE ({', '.join(ENDINGS)}).",
    )


def _here(corpus: "Corpus") -> tuple[str, bool]:
    """What is found of a corpus where it usually lies, in words, and whether anything is."""
    from hmer_tasks.corpora import open_corpus
    from hmer_tasks.storage.files import ENDINGS

    root = corpus.default_root
    if not root.is_absolute() and not root.exists():
        packed = [root.with_name(root.name + ending) for ending in ENDINGS]
        archive = next((path for path in packed if path.is_file()), None)
        if archive is None:
            return f"not found at {root}", False
        if archive.suffix != ".zip":  # a tar has no table: all of it would be read, or unpacked
            return f"found, packed: {archive}", True
    try:
        with open_corpus(corpus) as files:
            available = corpus.available(files)
    except CorpusError as error:
        return f"cannot be read: {error}", False
    if not available:
        return f"{root} is there, but none of its splits", False
    if root.is_absolute():
        return "always here", True
    return f"found at {root} ({', '.join(available)})", True


def _wrapped(what: str, text: str, width: int) -> str:
    start = f"  {what:8} "
    return textwrap.fill(
        text,
        max(width, 40),
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
