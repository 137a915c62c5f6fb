"""Self-consistency: of several answers for one picture, the one that trees, counts and answers agree on.

Every answer votes for its label, every tree (Tree-CoT) for the label it gives, every count for the
labels with these counts; labels that are the same on paper stand together (Wang et al.,
"Self-consistency improves chain of thought reasoning in language models", 2022, with the evidence of
the five tasks added). An answer that was cut off or ran in circles has no vote while others have one.
Error corrections vote as well: ask them about a recognition's own answers (`--candidates`), for the
candidates of a build were made from the label, and a vote on those measures nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hmer_tasks.evaluation.answers import (
    counts_key,
    counts_of,
    key,
    label_of_tree,
    reasoning_of,
    released_tree_of,
)
from hmer_tasks.predictions import Prediction


@dataclass(frozen=True, slots=True)
class Vote:
    """The chosen prediction, how many votes it got, how many its answers could give, and from how
    many answers. A tree or counts that cannot be read could have given one."""

    prediction: Prediction
    votes: int
    of: int
    answers: int


def vote(answers: Iterable[Prediction], evidence: bool = True) -> list[Vote]:
    """One vote a picture (source, id and label), in order of first appearance.

    Without `evidence` only the answers vote, not their trees and counts: the plain majority.
    """
    pictures: dict[tuple[str, str, str], list[Prediction]] = {}
    for answer in answers:
        pictures.setdefault((answer.source, answer.id, answer.gt), []).append(answer)
    return [_choose(group, evidence) for group in pictures.values()]


def _choose(answers: list[Prediction], evidence: bool) -> Vote:
    voters = [answer for answer in answers if answer.task != "error_detection"]
    whole = [voter for voter in voters if voter.stop in ("", "eos") and voter.pred.strip()]
    voters = whole or voters or answers
    written: dict[str, Counter[str]] = {}
    votes: Counter[str] = Counter()
    for voter in voters:
        votes[key(voter.pred)] += 1
        written.setdefault(key(voter.pred), Counter())[voter.pred] += 1
    cast = len(voters)
    backing = _Backing(written)
    for voter in voters if evidence else ():
        for name in backing.of(voter):
            votes[name] += 1
        cast += voter.task in ("tree_cot", "counting") and bool(voter.raw)
    # Counter keeps the order of first appearance, so ties go to the earliest answer.
    best = max(votes, key=lambda name: votes[name])
    pred = written[best].most_common(1)[0][0]
    chosen = next(voter for voter in voters if voter.pred == pred)
    return Vote(replace(chosen, task="vote", sample=0, raw=""), votes[best], cast, len(answers))


class _Backing:
    """Which candidates the trees and counts of answers speak for. What the candidates have is looked up once
    for all answers: there may be hundreds to one picture."""

    def __init__(self, written: dict[str, Counter[str]]) -> None:
        self.written = written
        self.by_counts: dict[tuple[str, ...], list[str]] = {}
        self.by_tree: dict[str, list[str]] = {}
        self.indexed: set[str] = set()

    def of(self, answer: Prediction) -> list[str]:
        """The candidates that the tree or the counts of an answer speak for."""
        work = reasoning_of(answer.raw)
        if not work:
            return []
        if answer.task == "counting":
            self.index("counting")
            return self.by_counts.get(counts_key(work), [])
        if answer.task == "tree_cot":
            given = label_of_tree(work)
            if given is not None:
                return [name for name in (key(given),) if name in self.written]
            self.index("tree_cot")
            return self.by_tree.get(work, [])
        return []

    def index(self, task: str) -> None:
        """Note once what every form of every candidate has."""
        if task in self.indexed:
            return
        self.indexed.add(task)
        for name, forms in self.written.items():
            if task == "counting":
                for counts in {form_counts for form in forms for form_counts in counts_of(form)}:
                    self.by_counts.setdefault(counts, []).append(name)
            else:
                for tree in {released_tree_of(form) for form in forms} - {None}:
                    assert tree is not None
                    self.by_tree.setdefault(tree, []).append(name)
