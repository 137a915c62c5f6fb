r"""Unicode mathematics as LaTeX commands, where there is one command for a character: ``≤`` is ``\leq``.

The table is pylatexenc's. What it writes as more than one token (accents, ``√``, which says not how
far it reaches) stays the character it is.
"""

import unicodedata
from functools import cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.words import is_token

# Where pylatexenc's answer is a text-mode command, or several tokens, and mathematics has its own.
_OWN = {
    "−": ("-",), "–": ("-",), "′": ("'",), "″": ("'", "'"), "‴": ("'", "'", "'"), "…": ("\\ldots",),
    "·": ("\\cdot",), "⋅": ("\\cdot",), "∗": ("*",), "∕": ("/",), "∣": ("|",), "∶": (":",),
    "µ": ("\\mu",), "Ω": ("\\Omega",), "×": ("\\times",), "÷": ("\\div",), "±": ("\\pm",), "¬": ("\\neg",),
    "→": ("\\rightarrow",), "←": ("\\leftarrow",), "≤": ("\\leq",), "≥": ("\\geq",), "≠": ("\\neq",),
    "√": ("√",),
}  # fmt: skip
# a character that is another in a wide or styled cut: （ ＋ 𝑥
_CUTS = ("<wide>", "<font>")
# one look only, so that a fault in the table does not raise
_ENCODER = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)


@cache
def to_commands(token: str) -> tuple[str, ...]:
    """The tokens that a token stands for: itself, unless it is a character with a command."""
    if token.isascii():
        return (token,)
    if token in _OWN:
        return _OWN[token]
    text = _ENCODER.unicode_to_latex(token)
    text = text.removeprefix("\\ensuremath{").removesuffix("}") if text.startswith("\\ensuremath{") else text
    if text in tables().symbols or (text.isascii() and is_token(text) and text not in "{}_^&"):
        return (text,)
    if unicodedata.decomposition(token).startswith(_CUTS):
        plain = unicodedata.normalize("NFKC", token)
        if len(plain) == 1 and plain not in "\\{}_^&%$#~":
            return to_commands(plain)
    return (token,)
