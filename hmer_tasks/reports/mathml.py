"""Formulas as MathML Core, which every browser of today draws: small, and text that can be selected.

math-core (Rust) writes the MathML. Nothing of it is trusted: an element, attribute or style that is not
in the lists below keeps the formula off the page.
"""

import re
from functools import cache
from html import unescape
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring
from markupsafe import Markup
from math_core import LatexError, LatexToMathML

# The elements of MathML Core (https://www.w3.org/TR/mathml-core/) that hold no link, script or picture.
_ELEMENTS = frozenset(
    """
    math merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt
    mstyle msub msubsup msup mtable mtd mtext mtr munder munderover menclose
    """.split()
)
_ATTRIBUTES = frozenset(
    """
    accent accentunder columnalign columnlines columnspan depth display displaystyle fence form frame height
    linethickness lspace mathvariant maxsize minsize movablelimits notation rowlines rowspan rspace
    scriptlevel separator stretchy style symmetric voffset width class mathcolor mathbackground
    """.split()
)
_STYLE = re.compile(r"[a-z0-9:;.,%# ()-]*", re.IGNORECASE)
_HTML_ENTITY = re.compile(r"&(?!lt;|gt;|amp;|quot;)[A-Za-z]+;")  # `&nbsp;` is HTML's, and no XML
_MAX_TOKENS = 1_500  # of a label; more is no formula that anybody looks at


@cache
def _converter() -> LatexToMathML:
    return LatexToMathML(ignore_unknown_commands=True, fancy_error=False)


def mathml(label: str) -> Markup | None:
    """A label as MathML.

    Args:
        label: LaTeX, with or without spaces between its tokens.

    Returns:
        A `<math>` element that is safe to put into a page; None where the label is too long, or math-core
        cannot read it.

    Examples:
        >>> mathml("a + b")
        Markup('<math display="block"><mi>a</mi><mo>+</mo><mi>b</mi></math>')
    """
    if len(label.split()) > _MAX_TOKENS:
        return None
    try:
        markup = _converter().convert_with_local_state(label, displaystyle=True)
        text = _HTML_ENTITY.sub(lambda entity: unescape(entity[0]), markup)
        root = fromstring(text)
    except (LatexError, ParseError, ValueError):
        return None
    return Markup(text) if _is_safe(root) else None


def _is_safe(root: Element) -> bool:
    return all(
        element.tag in _ELEMENTS
        and _ATTRIBUTES.issuperset(element.attrib)
        and _STYLE.fullmatch(element.get("style", "")) is not None
        and "url" not in element.get("style", "")
        for element in root.iter()
    )
