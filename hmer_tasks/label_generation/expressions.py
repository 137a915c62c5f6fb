"""The writer of formulas: expressions that look like mathematics, determined by a key alone.

Half of the kinds are random expressions printed by sympy, half are patterns of what people write and
sympy does not (chemistry, geometry, sets, units). `statistics.py` writes after a label file instead.
"""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from hmer_tasks.handwriting.writer import keyed
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree import GROUP, ExprTree, Line, Node, to_label

if TYPE_CHECKING:
    from sympy import Basic, Expr

VARIABLES = "x y z t a b c k m n p q r u v w".split()
GREEK = "alpha beta gamma theta lambda mu phi omega sigma rho".split()
LONGEST = 110  # tokens; beyond it nobody writes on one line


def expression(*key: object) -> str:
    """One label in explicit form, determined by the key."""
    for attempt in range(50):
        chance = keyed("expression", *key, attempt)
        tree = parse(normalize(chance.choice(KINDS)(chance)))
        label = to_label(ExprTree(_tidied(tree.line, sized=chance.random() < 0.3)))
        if len(label.split()) <= LONGEST:
            return label
    raise AssertionError("fifty expressions in a row were too long")


def _tidied(line: Line, *, sized: bool) -> Line:
    """Without the groups that sympy puts around arguments; without \\left and \\right if not `sized`."""
    nodes: list[Node] = []
    for node in line:
        children = tuple((name, _tidied(child, sized=sized)) for name, child in node.children)
        if node.symbol == GROUP and len(children) == 1 and children[0][0] == "inside":
            nodes += children[0][1]
        elif sized or node.symbol not in ("\\left", "\\right"):
            nodes.append(Node(node.symbol, children))
    return tuple(nodes)


# ---------------------------------------------------------------- through sympy


@cache
def _symbol(name: str) -> "Expr":
    import sympy  # half a second, needed by no real corpus

    return sympy.Symbol(name)


def _printed(value: "Basic", chance: Random) -> str:
    import sympy

    text: str = sympy.latex(
        value, mul_symbol=chance.choice((None, None, None, "dot", "times")), ln_notation=True
    )
    # Sizes are no ink, and nobody writes three spaces before dx.
    return text.replace("\\limits", "").replace("\\, ", " ").replace("\\,", " ")


def _some(chance: Random, count: int = 1) -> "list[Expr]":
    return [_symbol(name) for name in chance.sample(VARIABLES + GREEK[:6], count)]


def _number(chance: Random, most: int = 20) -> int:
    return chance.randint(1, 9) if chance.random() < 0.7 else chance.randint(2, most)


def _polynomial(chance: Random, x: "Expr") -> "Expr":
    import sympy

    total: Expr = sympy.Integer(chance.choice((-1, 1)) * _number(chance))
    for power in chance.sample(range(1, 6), chance.randint(1, 3)):
        total += chance.choice((-1, 1)) * chance.choice((1, _number(chance))) * x**power
    return total


def _term(chance: Random, x: "Expr", depth: int) -> "Expr":
    """A random expression in x."""
    import sympy

    if depth <= 0:
        return chance.choice((x, x, x + _number(chance), _number(chance) * x, x**2, _polynomial(chance, x)))
    inner = _term(chance, x, depth - 1)
    other = _some(chance)[0]
    kinds: list[Callable[[], Expr]] = [
        lambda: sympy.sqrt(inner),
        lambda: inner ** chance.randint(2, 4),
        lambda: chance.choice((sympy.sin, sympy.cos, sympy.tan, sympy.log, sympy.exp))(inner),
        lambda: inner / (other + _number(chance)),
        lambda: _polynomial(chance, other) / inner,
        lambda: inner + chance.choice((-1, 1)) * _term(chance, other, depth - 1),
        lambda: other * inner,
        lambda: sympy.root(inner, 3),
        lambda: 1 / (1 + 1 / inner),
    ]
    return chance.choice(kinds)()


def _equation(chance: Random) -> str:
    import sympy

    x, y = _some(chance, 2)
    left = chance.choice((y, _polynomial(chance, x), y**2, _term(chance, x, 1)))
    right = chance.choice((sympy.Integer(0), _term(chance, x, chance.randint(0, 2)), _polynomial(chance, y)))
    relation = chance.choice((sympy.Eq, sympy.Eq, sympy.Eq, sympy.Ne, sympy.Le, sympy.Gt))
    return _printed(relation(left, right, evaluate=False), chance)


def _integral(chance: Random) -> str:
    import sympy

    x, a = _some(chance, 2)
    bounds = chance.choice(
        ((x,), (x, 0, 1), (x, 0, a), (x, -sympy.oo, sympy.oo), (x, a, _number(chance)), (x, 0, sympy.pi))
    )
    return _printed(sympy.Integral(_term(chance, x, chance.randint(0, 2)), bounds), chance)


def _sum(chance: Random) -> str:
    import sympy

    k, n, x = _symbol(chance.choice("ijkn")), _symbol(chance.choice(("m", "n", "N"))), _some(chance)[0]
    term = chance.choice(
        (1 / k**2, x**k / sympy.factorial(k), k**2, (-1) ** k / (2 * k + 1), _term(chance, k, 1))
    )
    kind = chance.choice((sympy.Sum, sympy.Sum, sympy.Product))
    if k == n:
        n = sympy.oo
    return _printed(kind(term, (k, chance.choice((0, 1)), chance.choice((n, sympy.oo)))), chance)


def _limit(chance: Random) -> str:
    import sympy

    x = _some(chance)[0]
    to = chance.choice((0, 1, sympy.oo, _number(chance)))
    return _printed(sympy.Limit(_term(chance, x, chance.randint(1, 2)), x, to, dir="+-"), chance)


def _matrix(chance: Random) -> str:
    import sympy

    rows, columns = chance.choice(((2, 2), (2, 2), (2, 3), (3, 3), (3, 1), (2, 1)))
    x = _some(chance)[0]

    def entry() -> "Expr":
        plain = sympy.Integer(chance.randint(-9, 9))
        return chance.choice(
            (plain, plain, plain, x, _some(chance)[0] / _number(chance), x**2, sympy.sqrt(x))
        )

    text = _printed(sympy.Matrix(rows, columns, [entry() for _ in range(rows * columns)]), chance)
    name = chance.choice(("A", "B", "M"))
    return chance.choice((text, f"{name} = {text}"))


def _derivative(chance: Random) -> str:
    import sympy

    x, f = _some(chance, 2)
    order = chance.choice((1, 1, 2))
    value = sympy.Derivative(_term(chance, x, 1), x, order)
    return _printed(chance.choice((value, sympy.Eq(f, value))), chance)


def _fraction(chance: Random) -> str:
    import sympy

    x, y = _some(chance, 2)
    value = _term(chance, x, 1) / _term(chance, y, chance.randint(0, 2))
    return _printed(chance.choice((value, sympy.Eq(_some(chance)[0], value, evaluate=False))), chance)


def _trigonometry(chance: Random) -> str:
    import sympy

    x = _symbol(chance.choice((*GREEK[:4], "x", "A", "B")))
    f, g = chance.choice((sympy.sin, sympy.cos, sympy.tan, sympy.cot)), chance.choice((sympy.sin, sympy.cos))
    n = chance.randint(1, 4)
    value = sympy.Eq(
        f(n * x) ** chance.randint(1, 2) + g(x) ** 2, chance.choice((1, f(x) / g(x), sympy.sqrt(3) / 2))
    )
    return _printed(value, chance)


# ---------------------------------------------------------------- patterns


def _digits(chance: Random) -> str:
    if chance.random() < 0.25:
        return f"{chance.randint(0, 99)}.{chance.randint(1, 99)}"
    return str(chance.randint(1, chance.choice((9, 9, 99, 999))))


def _letter(chance: Random) -> str:
    return chance.choice(VARIABLES) if chance.random() < 0.8 else "\\" + chance.choice(GREEK)


def _operand(chance: Random) -> str:
    a, b = _digits(chance), _letter(chance)
    return chance.choice(
        (a, a, b, f"\\frac{{{a}}}{{{_digits(chance)}}}", f"{b}^{{{chance.randint(2, 3)}}}", f"{a}{b}")
    )


def _arithmetic(chance: Random) -> str:
    signs = ("+", "-", "\\times", "\\div", "+", "-", "\\cdot")
    parts = [_operand(chance)]
    for _ in range(chance.randint(1, 4)):
        parts += [chance.choice(signs), _operand(chance)]
    if chance.random() < 0.3:
        parts[0], parts[2] = f"({parts[0]}", f"{parts[2]})"
    return " ".join(parts) + chance.choice(
        ("", " =", f" = {_operand(chance)}", f" \\approx {_digits(chance)}")
    )


def _chemistry(chance: Random) -> str:
    known = (
        "H_{2}",
        "O_{2}",
        "H_{2}O",
        "CO_{2}",
        "NaOH",
        "HCl",
        "CaCO_{3}",
        "CH_{4}",
        "Fe_{2}O_{3}",
        "Cu",
        "Zn",
        "H_{2}SO_{4}",
        "MgO",
        "KMnO_{4}",
        "C_{6}H_{12}O_{6}",
    )
    parts = [chance.choice(("", "2", "3")) + chance.choice(known) for _ in range(4)]
    arrow = chance.choice(("=", "\\rightarrow", "\\xrightarrow{\\Delta}", "\\rightleftharpoons"))
    return f"{parts[0]} + {parts[1]} {arrow} {parts[2]}" + chance.choice(
        ("", f" + {parts[3]} \\uparrow", f" + {parts[3]}")
    )


def _geometry(chance: Random) -> str:
    a, b, c, d = chance.sample("ABCDEFGHMNOP", 4)
    angle = chance.choice((30, 45, 60, 90, 120, chance.randint(10, 179)))
    return chance.choice(
        (
            f"\\angle {a}{b}{c} = {angle}^{{\\circ}}",
            f"\\triangle {a}{b}{c} \\cong \\triangle {b}{c}{d}",
            f"{a}{b} \\perp {c}{d}",
            f"\\therefore {a}{b} = {c}{d} = {_digits(chance)}",
            f"S_{{\\triangle {a}{b}{c}}} = \\frac{{1}}{{2}} {a}{b} \\cdot {c}{d}",
            f"\\overrightarrow{{{a}{b}}} + \\overrightarrow{{{b}{c}}} = \\overrightarrow{{{a}{c}}}",
            f"\\because \\angle {a} + \\angle {b} = {angle}^{{\\circ}}",
            f"\\frac{{{a}{b}}}{{{c}{d}}} = \\frac{{{_digits(chance)}}}{{{_digits(chance)}}}",
        )
    )


def _sets(chance: Random) -> str:
    a, b = chance.sample("ABMNPQ", 2)
    x = chance.choice("xyn")
    low, high = sorted(chance.sample(range(-9, 10), 2))
    return chance.choice(
        (
            f"{a} \\cup {b} = \\{{ {x} | {low} < {x} \\leq {high} \\}}",
            f"{x} \\in ( {low} , {high} ]",
            f"{a} \\cap {b} = \\emptyset",
            f"\\forall {x} \\in {a} , {x}^{{2}} \\geq {high}",
            f"\\exists {x} > 0 , | {x} - {low} | < \\varepsilon",
            f"{a} \\subseteq {b}",
        )
    )


def _sequence(chance: Random) -> str:
    a, n = chance.choice("abSTx"), chance.choice("nkm")
    return chance.choice(
        (
            f"{a}_{{{n}}} = {_operand(chance)} {a}_{{{n} - 1}} + {_digits(chance)}",
            f"{a}_{{1}} + {a}_{{2}} + \\cdots + {a}_{{{n}}} = {_digits(chance)}",
            f"{a}_{{{n}}} = \\frac{{{n} ( {n} + {chance.randint(1, 5)} )}}{{{chance.randint(2, 6)}}}",
            f"\\binom{{{n}}}{{{chance.randint(1, 5)}}} = {_digits(chance)}",
            f"\\bar{{{a}}} = \\frac{{1}}{{{n}}} \\sum_{{i = 1}}^{{{n}}} {a}_{{i}}",
        )
    )


def _system(chance: Random) -> str:
    x, y = chance.choice((("x", "y"), ("a", "b"), ("m", "n")))
    rows = [
        f"{_digits(chance)} {x} {chance.choice('+-')} {chance.randint(2, 9)} {y} = {_digits(chance)}"
        for _ in range(2)
    ]
    body = " \\\\ ".join(rows)
    first, second = _operand(chance), _operand(chance)
    cases = f"\\begin{{cases}} {first} & {x} < 0 \\\\ {second} & {x} \\geq 0 \\end{{cases}}"
    split = f"f ( {x} ) = {cases}"
    return chance.choice((f"\\begin{{cases}} {body} \\end{{cases}}", split))


def _function(chance: Random) -> str:
    f, x = chance.choice(("f", "g", "h", "F", "\\phi", "y")), chance.choice("xtn")
    log = chance.choice(("\\log", "\\ln", "\\lg", f"\\log_{{{chance.randint(2, 9)}}}"))
    return chance.choice(
        (
            f"{f} ( {x} ) = {_operand(chance)} {x}^{{2}} + {_operand(chance)} {x}",
            f"{f}' ( {x} ) > 0",
            f"{f} ( {x} + {chance.randint(1, 9)} ) = \\sqrt{{{_operand(chance)} {x} + {_digits(chance)}}}",
            f"{log} {_operand(chance)} = {_digits(chance)}",
            f"| {x} - {_digits(chance)} | \\leq {_digits(chance)}",
            f"{x}_{{1 , 2}} = \\frac{{- b \\pm \\sqrt{{b^{{2}} - 4 a c}}}}{{2 a}}",
            f"e^{{{_operand(chance)}}} = {_digits(chance)} \\times 10^{{{chance.randint(-9, 9)}}}",
        )
    )


KINDS: tuple[Callable[[Random], str], ...] = (
    _equation,
    _integral,
    _sum,
    _limit,
    _matrix,
    _derivative,
    _fraction,
    _trigonometry,
    _arithmetic,
    _arithmetic,
    _chemistry,
    _geometry,
    _sets,
    _sequence,
    _system,
    _function,
)
