r"""Rewriting an expression tree by rules: what leaves no ink goes, aliases and groups are resolved.

The result is a label, not a tree: rows are written flat, with ``\\`` between them as in the label,
and `to_label` prints both forms alike. Whoever wants the tree parses it.
"""

from typing import Final

from hmer_tasks.latex.attributes import command_of, signature
from hmer_tasks.latex.fences import INVISIBLE, open_delimiters
from hmer_tasks.latex.primes import raise_primes, unstack_primes
from hmer_tasks.latex.rules import Rules
from hmer_tasks.latex.scripts import (
    ROW_MARKS,
    arguments,
    attach,
    clash,
    flat,
    move_limits,
    starts_row,
    sub_first,
)
from hmer_tasks.latex.tree import GROUP, NONE, Child, ExprTree, Line, Node, to_label

DOTS: Final = "\\dots"
_BRACKETS: Final = frozenset("[]")
# what keeps its braces inside an option: brackets that would end it, and tables that may hold some
_IN_OPTIONS: Final = _BRACKETS | {"\\begin"}


def rewrite(tree: ExprTree, rules: Rules) -> str:
    """The label of a tree after the rules. It may be empty, and it may want another pass: a rule can
    make room for another."""
    return to_label(ExprTree(_Rewriter(rules).line(tree.line)))


class _Rewriter:
    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.touched = rules.touched

    def line(self, line: Line, option: bool = False, script: bool = False) -> Line:
        """A line rewritten. `option`: it stands in brackets, `script`: it is a script."""
        rules = self.rules
        items = flat(line)
        if rules.dots == "resolve":
            items = self.dots_resolved(items)
        scoped = any(command_of(node.symbol) in rules.scoped for node in items)
        if rules.delimiter_sizes:
            # \left ... \right bound an infix or a font as braces do: there they stay
            items = open_delimiters(items, rules.delimiter_sizes, keep_pairs=scoped)
        if rules.limits == "drop":
            items = move_limits(items)
        if rules.primes == "superscripts":
            items = raise_primes(items)
        out: list[Node] = []
        for node in items:
            if not node.children and command_of(node.symbol) not in self.touched:
                out.append(node)
            else:
                self.put(out, node, option)
        if len(out) == 1 and rules.groups != "keep":
            out = _without_outer_group(out, option)
        if rules.join:
            out = self.joined(out, script)
        return tuple(out)

    def dots_resolved(self, items: list[Node]) -> list[Node]:
        r"""`\dots` as `\cdots` or `\ldots`, by the token right after it as it is written (amsmath's
        `\dots`). It comes first: what follows may be a command that another rule drops."""
        if not any(node.symbol == DOTS for node in items):
            return items
        out: list[Node] = []
        for node, after in zip(items, [*items[1:], None], strict=True):
            if node.symbol == DOTS:
                centred = not node.children and after is not None and after.symbol in self.rules.centred_dots
                out.append(Node("\\cdots" if centred else "\\ldots", node.children))
            else:
                out.append(node)
        return out

    def put(self, out: list[Node], node: Node, option: bool) -> None:
        """Add what a node becomes to a line."""
        rules, symbol = self.rules, command_of(node.symbol)
        own, scripts = arguments(node)
        scripts = self.scripts(scripts)
        if symbol in rules.drop or symbol == INVISIBLE:
            self.orphans(out, scripts)
        elif symbol in rules.unwrap:
            self.open_group(out, self.line(own[0][1], option), scripts, option)
        elif symbol == GROUP and rules.groups != "keep":
            self.open_group(out, self.line(own[0][1], option) if own else (), scripts, option)
        elif symbol == NONE:
            self.orphans(out, scripts)
        else:
            own = tuple(
                (name, self.argument(symbol, i, name, line, option)) for i, (name, line) in enumerate(own)
            )
            *before, last = rules.alias.get(symbol, (node.symbol,))
            if option and last in _BRACKETS:
                before, last = [], node.symbol  # it would end the option
            out += [Node(name_of_alias) for name_of_alias in before]
            out.append(Node(last, own + scripts))

    def argument(self, symbol: str, index: int, relation: str, line: Line, option: bool) -> Line:
        if symbol == "\\begin":  # its body has no braces, so it is still in the option's brackets
            return line if index else self.line(line, option)
        takes = signature(symbol)
        return self.line(line, option=takes is not None and relation == takes.option)

    def scripts(self, scripts: tuple[Child, ...]) -> tuple[Child, ...]:
        lines = [(name, self.line(line, script=True)) for name, line in scripts]
        if self.rules.primes == "superscripts":
            lines = [(name, unstack_primes(name, line)) for name, line in lines]
        if self.rules.empty_scripts == "drop":
            lines = [(name, line) for name, line in lines if line]
        return sub_first(lines) if self.rules.scripts == "sub_first" else tuple(lines)

    def orphans(self, out: list[Node], scripts: tuple[Child, ...]) -> None:
        """Scripts whose base leaves no ink."""
        if not scripts:
            return
        if starts_row(out):
            out.append(Node(NONE, scripts))
        elif self.rules.groups == "dissolve" and not clash(out[-1], scripts):
            out[-1] = attach(out[-1], scripts)
        else:
            out.append(Node(GROUP, scripts))

    def open_group(self, out: list[Node], content: Line, scripts: tuple[Child, ...], option: bool) -> None:
        """Put a group's content in its place, where that changes no layout; else keep the braces."""
        if not content:
            self.orphans(out, scripts)
        elif self.needs_braces(content, option) or (content[0].symbol == NONE and not starts_row(out)):
            out.append(Node(GROUP, (("inside", content), *scripts)))
        elif not scripts:
            out += content
        elif self.may_bear(content, scripts):
            out += content[:-1]
            out.append(attach(content[-1], scripts))
        else:
            out.append(Node(GROUP, (("inside", content), *scripts)))

    def may_bear(self, content: Line, scripts: tuple[Child, ...]) -> bool:
        """Whether the scripts of a group may stand on the last node of its content."""
        last = content[-1]
        if self.rules.groups == "dissolve":
            return not clash(last, scripts)
        return len(content) == 1 and not arguments(last)[1] and last.symbol not in self.rules.stacked

    def needs_braces(self, content: Line, option: bool) -> bool:
        held = self.rules.scoped | ROW_MARKS | (_IN_OPTIONS if option else frozenset())
        return any(command_of(node.symbol) in held for node in content)

    def joined(self, line: list[Node], script: bool) -> list[Node]:
        """Letters written one by one made one operator, unless they are the whole of a script."""
        out: list[Node] = []
        for node in line:
            out.append(node)
            for letters, operator in self.rules.join.items():
                start = len(out) - len(letters)
                tail = out[start:] if start >= 0 else []
                spelled = [letter.symbol for letter in tail] == list(letters)
                whole = script and len(letters) == len(line)
                if spelled and not whole and not any(letter.children for letter in tail[:-1]):
                    out[start:] = [Node(operator, node.children)]
                    break
        return out


def _without_outer_group(out: list[Node], option: bool) -> list[Node]:
    """A line that is one group: the braces around the line do the same."""
    node = out[0]
    if node.symbol != GROUP or len(node.children) != 1 or node.children[0][0] != "inside":
        return out
    content = node.children[0][1]
    if option and any(child.symbol in _IN_OPTIONS for child in content):
        return out
    return list(content)
