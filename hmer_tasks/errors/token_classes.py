"""Sorts of tokens: what the noise model falls back on for a symbol, or a neighbour, it never measured."""

from functools import cache
from typing import Final

from hmer_tasks.latex.tables import tables

# What stands before the first token and after the last.
START: Final = "<start>"
END: Final = "<end>"

_SORTS: Final = {
    "digit": "0 1 2 3 4 5 6 7 8 9",
    "lower": "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "upper": "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z",
    "greek": r"""
        \alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \vartheta \iota \kappa \lambda \mu
        \nu \xi \pi \varpi \rho \varrho \sigma \varsigma \tau \upsilon \phi \varphi \chi \psi \omega \Gamma
        \Delta \Theta \Lambda \Xi \Pi \Sigma \Upsilon \Phi \Psi \Omega \ell \partial \nabla \hbar""",
    "operation": r"+ - \times \div \pm \mp \cdot * / \circ \cup \cap \wedge \vee \oplus \otimes",
    "relation": r"""
        = < > \leq \geq \neq \approx \sim \equiv \in \notin \subset \subseteq \perp \simeq \cong \propto \le
        \ge \ne \ll \gg \because \therefore : \ni \supset""",
    "arrow": r"""
        \rightarrow \leftarrow \to \Rightarrow \Leftarrow \Leftrightarrow \mapsto \uparrow \downarrow \iff""",
    "bracket": r"""
        ( ) [ ] | \{ \} \vert \mid \| \Vert \parallel \langle \rangle \lfloor \rfloor \lceil \rceil \left
        \right""",
    "point": r", . ; ! ? \ldots \cdots \dots \vdots \% ' \prime",
    "function": r"""
        \sin \cos \tan \cot \sec \csc \lg \log \ln \exp \max \min \arcsin \arccos \arctan \sinh \cosh \tanh
        \sup \inf \det""",
    "large": r"\sum \int \prod \lim \iint \oint \bigcup \bigcap",
    "script": "_ ^",
    "open": "{",
    "close": "}",
    "row": r"& \\",
    "edge": f"{START} {END}",
}
SORTS: Final = (*_SORTS, "command", "other")


@cache
def _by_token() -> dict[str, str]:
    commands = dict.fromkeys((*tables().signatures, "\\begin", "\\end"), "command")
    return commands | {token: sort for sort, tokens in _SORTS.items() for token in tokens.split()}


def token_class(token: str) -> str:
    """The sort of a token; `other` where it has none."""
    return _by_token().get(token, "other")


def tokens_of(sort: str) -> list[str]:
    """The tokens of a sort."""
    return _SORTS.get(sort, "").split()
