"""`normalize`: raw LaTeX is refused by name, or becomes a label that normalises to itself. Every profile."""

from hmer_tasks.exceptions import LabelError
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import to_label
from hmer_tasks.utils.grammar_files import read_toml
from tests.fuzz.common import check_label_error, words

WORDS = words("$", "$$", "%", "%\n", "\\%", "\\(", "\\]", "\\ltN", "\\mbox", "\\label{x}", "\\mathrm{log}",
              "\\displaystyle", "≤", "𝑥", "＋", "\\begin{equation}", "\\end{equation}", "\\rm", "\\prime", "''")  # fmt: skip
REAL = "label"


def run(data: bytes) -> None:
    latex = data.decode("utf-8", "surrogateescape")
    for profile in read_toml("profiles.toml"):
        try:
            label = normalize(latex, profile)
        except LabelError as error:
            check_label_error(error)
            continue
        assert to_label(parse(label)) == label
        assert normalize(label, profile) == label, profile
