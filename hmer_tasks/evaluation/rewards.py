"""Verifiable rewards for reinforcement learning with TRL's GRPOTrainer: pure functions, no model judges.

    GRPOTrainer(model, reward_funcs=[exact_reward, tree_agrees_reward], train_dataset=rows, ...)

Each takes `(prompts, completions, **columns)` as TRL hands them over (a completion is a string or a
list of messages, a column a list with one entry a completion) and returns a number from 0 to 1 a
completion. Columns are those of the rows that `build` writes: `task`, `label`, `candidate`, `marked`.
A reward that does not apply to a row's task is None for it: TRL leaves that out of its sums, and out of
the means it logs, so a mean is that of the rows it speaks of. Raises ValueError where a column is missing.

Agreement of an answer with itself is earned by any answer that is consistent, a wrong one too: put `exact`
or `edit` beside it, or a model learns to say little.

`examples/grpo_on_a_cpu.py` shows them at work; `examples/grpo.py` trains with them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from hmer_tasks.errors.edits import relative_distance
from hmer_tasks.evaluation.answers import (
    corrections_agree,
    counts_agree,
    label_in,
    label_of_tree,
    marks_valid,
    reasoning_of,
    tree_agrees,
)
from hmer_tasks.evaluation.boxes import box_score
from hmer_tasks.evaluation.image_match import image_match
from hmer_tasks.latex.canonical import visually_equal

Message: TypeAlias = Mapping[str, object]
Completion: TypeAlias = "str | Sequence[Message]"
Rewards: TypeAlias = "list[float | None]"

_HOLD_LABEL = ("recognition", "tree_cot", "counting", "error_correction")


def exact_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """Whether the answer's label is the row's, token for token.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` and `label` of the rows, one entry a completion.

    Returns:
        1 or 0 a completion; None for rows of error detection.

    Raises:
        ValueError: A column is missing.

    Examples:
        >>> exact_reward(None, ["x + 1", "x - 1"], task=["recognition"] * 2, label=["x + 1"] * 2)
        [1.0, 0.0]
    """
    return [
        float(label_in(answer, task).split() == label.split()) if task in _HOLD_LABEL else None
        for answer, task, label in _rows(completions, columns, "task", "label")
    ]


def same_on_paper_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """Whether the answer's label is the row's in standard spelling.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` and `label` of the rows, one entry a completion.

    Returns:
        1 or 0 a completion; None for rows of error detection.

    Raises:
        ValueError: A column is missing.
    """
    return [
        float(visually_equal(label_in(answer, task), label)) if task in _HOLD_LABEL else None
        for answer, task, label in _rows(completions, columns, "task", "label")
    ]


def edit_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """How near the answer's label is to the row's: 1 − token edit distance / longer length.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` and `label` of the rows, one entry a completion.

    Returns:
        From 0 to 1 a completion; None for rows of error detection.

    Raises:
        ValueError: A column is missing.

    Examples:
        >>> edit_reward(None, ["x + 1", "x - 1"], task=["recognition"] * 2, label=["x + 1"] * 2)
        [1.0, 0.6666666666666667]
    """
    return [
        1 - relative_distance(label_in(answer, task).split(), label.split()) if task in _HOLD_LABEL else None
        for answer, task, label in _rows(completions, columns, "task", "label")
    ]


def box_f1_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """Box F1 of the answer's label and the row's, laid out in print: which symbols stand where they should.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` and `label` of the rows, one entry a completion.

    Returns:
        From 0 to 1 a completion; None where the row's label cannot be laid out, and for error detection.

    Raises:
        ValueError: A column is missing.
        MissingLibraryError: The extra `score` is not installed.
    """
    out: Rewards = []
    for answer, task, label in _rows(completions, columns, "task", "label"):
        score = box_score(label, label_in(answer, task)) if task in _HOLD_LABEL else None
        out.append(None if score is None or score.label_boxes is None else score.f1)
    return out


def image_match_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """How alike the answer's label and the row's look in print.

    The edit distance over the columns of their pictures, which are drawn without TeX.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` and `label` of the rows, one entry a completion.

    Returns:
        From 0 to 1 a completion; None where the row's label cannot be laid out, and for error detection.

    Raises:
        ValueError: A column is missing.
        MissingLibraryError: The extra `score` is not installed.
    """
    return [
        image_match(label, label_in(answer, task)) if task in _HOLD_LABEL else None
        for answer, task, label in _rows(completions, columns, "task", "label")
    ]


def tree_valid_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """Tree-CoT: whether the tree is one that some label has (canonical dialect).

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` of the rows, one entry a completion.

    Returns:
        1 or 0 a completion; None for rows of other tasks.

    Raises:
        ValueError: A column is missing.
    """
    return [
        float(label_of_tree(reasoning_of(answer)) is not None) if task == "tree_cot" else None
        for answer, task in _rows(completions, columns, "task")
    ]


def tree_agrees_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """Tree-CoT: whether the tree, in either dialect, is that of the answer's own label.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` of the rows, one entry a completion.

    Returns:
        1 or 0 a completion; None for rows of other tasks.

    Raises:
        ValueError: A column is missing.
    """
    return [
        float(tree_agrees(reasoning_of(answer), label_in(answer, task))) if task == "tree_cot" else None
        for answer, task in _rows(completions, columns, "task")
    ]


def counts_agree_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """Counting: whether the counts are those of the answer's own label.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` of the rows, one entry a completion.

    Returns:
        1 or 0 a completion; None for rows of other tasks.

    Raises:
        ValueError: A column is missing.
    """
    return [
        float(counts_agree(reasoning_of(answer), label_in(answer, task))) if task == "counting" else None
        for answer, task in _rows(completions, columns, "task")
    ]


def markup_valid_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """The error tasks: whether the answer's markup is consistent.

    For error detection, whether the marks are well formed and stand in the row's candidate; for error
    correction, whether the log, applied to the row's marked candidate, gives the answer's own label.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task`, `candidate` and `marked` of the rows, one entry a completion.

    Returns:
        1 or 0 a completion; None for rows of other tasks.

    Raises:
        ValueError: A column is missing.
    """
    out: Rewards = []
    for answer, task, candidate, marked in _rows(completions, columns, "task", "candidate", "marked"):
        if task == "error_detection":
            out.append(float(marks_valid(answer.strip(), candidate)))
        elif task == "error_correction":
            out.append(float(corrections_agree(marked, reasoning_of(answer), label_in(answer, task))))
        else:
            out.append(None)
    return out


def length_reward(prompts: object, completions: Sequence[Completion], **columns: object) -> Rewards:
    """The shorter of the answer's label and the row's over the longer, in tokens.

    Against answers that repeat themselves or break off.

    Args:
        prompts: Not used; TRL passes them.
        completions: The answers.
        **columns: The columns `task` and `label` of the rows, one entry a completion.

    Returns:
        From 0 to 1 a completion; None for rows of error detection.

    Raises:
        ValueError: A column is missing.
    """
    out: Rewards = []
    for answer, task, label in _rows(completions, columns, "task", "label"):
        read, right = len(label_in(answer, task).split()), len(label.split())
        out.append(min(read, right) / max(read, right, 1) if task in _HOLD_LABEL else None)
    return out


REWARDS: dict[str, Callable[..., Rewards]] = {
    "exact": exact_reward,
    "same_on_paper": same_on_paper_reward,
    "edit": edit_reward,
    "box_f1": box_f1_reward,
    "image_match": image_match_reward,
    "tree_valid": tree_valid_reward,
    "tree_agrees": tree_agrees_reward,
    "counts_agree": counts_agree_reward,
    "markup_valid": markup_valid_reward,
    "length": length_reward,
}


def _rows(
    completions: Sequence[Completion], columns: Mapping[str, object], *names: str
) -> Iterator[tuple[str, ...]]:
    """The text of each completion with its row's columns (an empty text for null)."""
    wanted: list[list[str]] = []
    for name in names:
        column = columns.get(name)
        if not isinstance(column, list | tuple) or len(column) != len(completions):
            raise ValueError(f"this reward needs the column {name!r}, one entry a completion")
        wanted.append(["" if value is None else str(value) for value in column])
    yield from zip(map(_text, completions), *wanted, strict=True)


def _text(completion: Completion) -> str:
    if isinstance(completion, str):
        return completion
    return "".join(_content(message.get("content")) for message in completion)


def _content(content: object) -> str:
    """A message's text; its parts' texts joined where it is a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return ""


def weighted_score(
    answer: str, label: str, row: Mapping[str, object], weights: Mapping[str, float]
) -> dict[str, float]:
    """One number for one answer, as verl's reward functions return it.

    Args:
        answer: What the model wrote.
        label: The row's label.
        row: The row's `task`, `answer` (its target), `candidate` and `marked`.
        weights: What counts how much: `exact`, 1 where the answer's label is the row's, token for token (for
            error detection, where no label is asked for: where the marked candidate is the row's); `edit`,
            the same by degrees; `form`, 1 where the tree, counts, marks or corrections before the label are
            well formed and agree with it (always for recognition).

    Returns:
        The parts, `acc` (that is `exact`, under the name by which verl reports accuracy), and their weighted
        mean as `score`; all from 0 to 1.

    Raises:
        ValueError: A weight has no such name, or all are 0.
    """
    task = str(row.get("task") or "recognition")
    if task in _HOLD_LABEL:
        read, right = label_in(answer, task).split(), label.split()
    else:
        read, right = answer.split(), str(row.get("answer") or "").split()
    columns = {name: [row.get(name)] for name in ("task", "candidate", "marked")} | {"label": [label]}
    agreements = (tree_agrees_reward, counts_agree_reward, markup_valid_reward)
    forms = [agreement([], [answer], **columns)[0] for agreement in agreements]
    parts = {
        "exact": float(read == right),
        "edit": 1 - relative_distance(read, right),
        "form": next((form for form in forms if form is not None), 1.0),
    }
    total = sum(weights.values())
    if unknown := sorted(set(weights) - set(parts)):
        raise ValueError(f"no reward part {unknown[0]!r}: there are {', '.join(parts)}")
    if total <= 0:
        raise ValueError("the weights of a reward must not all be 0")
    score = sum(parts[name] * weight for name, weight in weights.items()) / total
    return {"score": score, "acc": parts["exact"], **parts}
