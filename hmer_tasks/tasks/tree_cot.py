"""Tree-CoT: picture to expression tree, then the label."""

from collections.abc import Mapping
from dataclasses import dataclass

from hmer_tasks.exceptions import LabelError, ProofError
from hmer_tasks.latex.tree import to_label
from hmer_tasks.latex.tree_text import parse_tree_text, tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from hmer_tasks.tasks.base import Labelled, Row, last_line, prove


@dataclass(frozen=True, slots=True)
class TreeCot:
    """The target is the tree's text form, LF, the label. `dialect`: canonical or released."""

    dialect: str = "canonical"
    name: str = "tree_cot"

    def row(self, labelled: Labelled, prompts: Mapping[str, str]) -> Row:
        released = self.dialect == "released"
        tree = released_tree_text(labelled.label) if released else tree_text(labelled.tree)
        return Row(self.name, labelled.label, prompts[self.name], f"{tree}\n{labelled.label}")

    def check(self, row: Row) -> None:
        tree, _, label = row.target.rpartition("\n")
        prove(label == row.label, self.name, "the last line is not the label")
        try:
            if self.dialect == "released":
                prove(tree == released_tree_text(row.label), self.name, "the tree is not the released tool's")
            else:
                prove(
                    to_label(parse_tree_text(tree)) == row.label,
                    self.name,
                    "the tree does not give the label",
                )
        except LabelError as error:
            raise ProofError(f"{self.name}: {error}") from error

    def read(self, target: str) -> str:
        return last_line(target)
