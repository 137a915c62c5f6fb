"""Token differences and trees of a pair as markup that is safe to put into a page."""

from dataclasses import dataclass

from markupsafe import Markup, escape
from rapidfuzz.distance import Levenshtein

from hmer_tasks.evaluation.trees import Graph, aligned, moved

_MAX_TOKENS, _MAX_NODES = 400, 250  # of one expression on the page; what is left out is said


def token_differences(gt: str, pred: str) -> tuple[Markup, Markup]:
    """Label and prediction as text, what differs in `<del>` (label) and `<ins>` (prediction)."""
    label, read = gt.split(), pred.split()
    left, right = Markup(""), Markup("")
    for edit in Levenshtein.opcodes(label[:_MAX_TOKENS], read[:_MAX_TOKENS]):
        old, new = label[edit.src_start : edit.src_end], read[edit.dest_start : edit.dest_end]
        if edit.tag == "equal":
            left += escape(" ".join(old)) + " "
            right += escape(" ".join(new)) + " "
            continue
        if old:
            left += Markup("<del>{}</del> ").format(" ".join(old))
        if new:
            right += Markup("<ins>{}</ins> ").format(" ".join(new))
    return left + _rest(label), right + _rest(read)


def _rest(tokens: list[str]) -> str:
    return f"… and {len(tokens) - _MAX_TOKENS:,} more tokens" if len(tokens) > _MAX_TOKENS else ""


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A node in a tree's outline: depth, symbol, relation, and whether it differs from the other tree."""

    depth: int
    symbol: str
    relation: str
    differs: bool


def tree_rows(label: Graph, read: Graph) -> tuple[list[TreeRow], list[TreeRow]]:
    """The outlines of two trees. A node differs that has no counterpart, another symbol, or whose line
    hangs elsewhere."""
    pairs = dict(aligned(label, read))
    elsewhere = moved(label, read, pairs)
    fine = {i: j for i, j in pairs.items() if label.symbols[i] == read.symbols[j] and i not in elsewhere}
    return _rows(label, set(fine)), _rows(read, set(fine.values()))


def _parents(graph: Graph) -> list[tuple[int, str]]:
    parents = [(-1, "")] * len(graph.symbols)
    for parent, child, relation in graph.relations:
        parents[child] = (parent, relation)
    return parents


def _rows(graph: Graph, fine: set[int]) -> list[TreeRow]:
    rows: list[TreeRow] = []
    depths: list[int] = []
    for i, (parent, relation) in enumerate(_parents(graph)):
        depths.append(0 if parent < 0 else depths[parent] + (relation != "right"))
        if i < _MAX_NODES:
            shown = "" if relation == "right" else relation
            rows.append(TreeRow(min(depths[i], 40), graph.symbols[i], shown, i not in fine))
    if len(graph.symbols) > _MAX_NODES:
        rows.append(TreeRow(0, f"… and {len(graph.symbols) - _MAX_NODES:,} more nodes", "", False))
    return rows
