r"""Unicode mathematics as LaTeX commands, where there is one command for a character: ``≤`` is ``\leq``.

The table is pylatexenc's. What it writes as several tokens (accents), what does not say how far it
reaches (``√``) and letters of other alphabets stay the characters they are.
"""

import unicodedata
from functools import lru_cache

from pylatexenc.latexencode import UnicodeToLatexEncoder

from hmer_tasks.latex.tables import tables
from hmer_tasks.latex.words import is_token, split_glued

# Where pylatexenc answers with a text-mode command, with nothing, or with what it cannot know.
_OWN: dict[str, tuple[str, ...]] = {
    "−": ("-",), "–": ("-",), "∗": ("*",), "∕": ("/",), "∣": ("|",), "∶": (":",),
    "′": ("'",), "″": ("'", "'"), "‴": ("'", "'", "'"), "…": ("\\ldots",), "·": ("\\cdot",), "⋅": ("\\cdot",),
    "×": ("\\times",), "÷": ("\\div",), "±": ("\\pm",), "¬": ("\\neg",), "≠": ("\\neq",),
    "→": ("\\rightarrow",), "←": ("\\leftarrow",), "〈": ("\\langle",), "〉": ("\\rangle",),
    "µ": ("\\mu",), "Ω": ("\\Omega",), "△": ("\\triangle",), "∥": ("\\parallel",), "√": ("√",), "°": ("°",),
    "↑": ("\\uparrow",), "↓": ("\\downarrow",), "↝": ("\\leadsto",), "†": ("\\dagger",), "‡": ("\\ddagger",),
    "•": ("\\bullet",), "★": ("\\bigstar",), "⟂": ("\\perp",), "⊨": ("\\vDash",), "⊧": ("\\models",),
    "≔": (":", "="),
    "⋙": ("\\ggg",), "⋘": ("\\lll",), "∯": ("\\oiint",), "∰": ("\\oiiint",), "⋰": ("\\iddots",),
    "⇵": ("⇵",), "ℽ": ("ℽ",), "ℾ": ("ℾ",), "ℿ": ("ℿ",), "⅀": ("⅀",),
}  # fmt: skip
# letters that mathematics writes with a command: Greek, letter-like signs, styled alphabets
_LETTERS = (range(0x0370, 0x0400), range(0x2100, 0x2150), range(0x1D400, 0x1D800))
# a character that is another in a wide or styled cut: （ ＋ 𝑥
_CUTS = ("<wide>", "<font>")
# alphabets that a hand does show: a command around the letter
_SHOWN = frozenset(["\\mathbb", "\\mathcal", "\\mathfrak", "\\mathscr"])
# characters that TeX reads as its own; some are signs with a backslash before them
_SIGNS = "{}_&%$#"
_SYNTAX = "\\{}_^&%$#~"
_ENCODER = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)


@lru_cache(maxsize=4096)
def to_commands(token: str) -> tuple[str, ...]:
    """The tokens that a token stands for: itself, unless it is a character with a command."""
    if token.isascii() or len(token) > 1 or not token.isprintable():
        return (token,)
    if token in _OWN:
        return _OWN[token]
    if not token.isalpha() or any(ord(token) in letters for letters in _LETTERS):
        text = _ENCODER.unicode_to_latex(token)
        if text.startswith("\\ensuremath{"):
            text = text.removeprefix("\\ensuremath{").removesuffix("}")
        tokens = split_glued(text)
        if tokens and tokens[0] in _SHOWN:
            return tuple(tokens)
        if text.isascii() and is_token(text) and text not in _SYNTAX and _is_known(text):
            return (text,)
    if unicodedata.decomposition(token).startswith(_CUTS):
        plain = unicodedata.normalize("NFKC", token)
        if plain in _SIGNS:
            return (f"\\{plain}",)
        if len(plain) == 1 and plain not in _SYNTAX:
            return to_commands(plain)
    return (token,)


def _is_known(token: str) -> bool:
    return len(token) == 1 or token in tables().symbols or token in tables().operators
