"""Self-consistency: what trees, counts and answers agree on."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.evaluation.pairs import first_answers, read_answers
from hmer_tasks.evaluation.vote import vote
from hmer_tasks.latex.canonical import visually_equal
from hmer_tasks.latex.counts import count_text
from hmer_tasks.latex.parser import parse
from hmer_tasks.latex.tree_text import tree_text
from hmer_tasks.latex.uni_mumer_tree import released_tree_text
from hmer_tasks.predictions import Prediction
from tests.latex.expressions import LABELS, explicit_form

RIGHT, WRONG = "x ^ { 2 } + y", "x ^ { 2 } + v"


def answer(task, pred, raw="", *, stop="eos", sample=0, id="1"):
    return Prediction("", id, RIGHT, pred, task, sample, raw or pred, stop)


def tree_answer(label, said=None):
    return answer("tree_cot", said or label, f"{tree_text(parse(label))}\n{said or label}")


def count_answer(label, said=None):
    return answer("counting", said or label, f"{count_text(label)}\n{said or label}")


def test_the_majority_is_chosen():
    [winner] = vote([answer("recognition", WRONG), tree_answer(RIGHT), count_answer(RIGHT)])
    assert winner.prediction.pred == RIGHT
    assert (winner.votes, winner.of, winner.answers) == (4, 5, 3)


def test_evidence_decides_between_two():
    """The last line of each answer errs; what stands before it does not."""
    answers = [answer("recognition", WRONG), answer("recognition", RIGHT, sample=1)]
    assert vote(answers)[0].prediction.pred == WRONG  # a tie goes to the first
    assert vote([*answers, tree_answer(RIGHT, said="x ^ { 2 } + 7")])[0].prediction.pred == RIGHT
    assert vote([*answers, count_answer(RIGHT, said="x ^ { 2 } + 7")])[0].prediction.pred == RIGHT
    released = answer("tree_cot", "7", f"{released_tree_text(RIGHT)}\n7")
    assert vote([*answers, released])[0].prediction.pred == RIGHT


def test_spellings_stand_together():
    answers = [
        answer("recognition", "a - b"),
        answer("recognition", r"a \le b", sample=1),
        answer("recognition", r"a \leq b", sample=2),
    ]
    assert visually_equal(vote(answers)[0].prediction.pred, r"a \leq b")


def test_what_was_cut_off_has_no_vote_while_others_have():
    loops = [
        answer("recognition", WRONG, stop=stop, sample=i) for i, stop in enumerate(["length", "repetition"])
    ]
    assert vote([*loops, answer("recognition", RIGHT, sample=2)])[0].prediction.pred == RIGHT
    assert vote(loops)[0].prediction.pred == WRONG


def test_error_detection_holds_no_label():
    [winner] = vote([answer("error_detection", "<deleted>", sample=0), answer("recognition", RIGHT)])
    assert winner.prediction.pred == RIGHT


def test_trees_and_counts_can_be_left_unheard():
    answers = [answer("recognition", WRONG), answer("recognition", RIGHT, sample=1)]
    answers.append(tree_answer(RIGHT, said="x ^ { 2 } + 7"))
    assert vote(answers)[0].prediction.pred == RIGHT
    [plain] = vote(answers, evidence=False)
    assert plain.prediction.pred == WRONG and (plain.votes, plain.of) == (1, 3)


def test_one_id_with_two_labels_is_two_pictures():
    answers = [Prediction("", "1", gt, gt) for gt in (RIGHT, WRONG)]
    assert [winner.prediction.pred for winner in vote(answers)] == [RIGHT, WRONG]


def test_files_are_further_samples_of_the_same_pictures(tmp_path):
    """Two systems' tsv name no source, two runs of the predictor the same sample 0: one picture each."""
    for name, pred in (("a", WRONG), ("b", RIGHT), ("c", RIGHT)):
        (tmp_path / f"{name}.tsv").write_text(f"1\t{RIGHT}\t{pred}\n", encoding="utf-8")
    paths = [tmp_path / f"{name}.tsv" for name in "abc"]
    answers = read_answers(paths, together=True)
    assert [(entry.source, entry.sample) for entry in answers] == [("", 0), ("", 1), ("", 2)]
    assert [entry.pred for entry in first_answers(answers)] == [WRONG]
    assert [entry.prediction.pred for entry in vote(answers)] == [RIGHT]
    assert [entry.source for entry in read_answers(paths)] == ["a", "b", "c"]


def test_one_vote_a_picture_and_a_gain():
    answers = [answer("recognition", WRONG, id=id) for id in "ab"] + [tree_answer(RIGHT)]
    answers += [
        Prediction("", id, RIGHT, RIGHT, "counting", 0, f"{count_text(RIGHT)}\n{RIGHT}", "eos") for id in "ab"
    ]
    chosen = [winner.prediction for winner in vote(answers)]
    assert [entry.id for entry in chosen] == ["a", "b", "1"]
    assert evaluate(chosen, resamples=0)["exprate"] == 100


@settings(max_examples=60)
@given(st.lists(LABELS, min_size=1, max_size=5))
def test_whoever_wins_was_said_by_someone(labels):
    answers = [answer("recognition", label, sample=i) for i, label in enumerate(labels)]
    answers += [tree_answer(form) for form in map(explicit_form, labels) if form]
    [winner] = vote(answers)
    assert winner.prediction.pred in {entry.pred for entry in answers}
    assert 1 <= winner.votes <= winner.of
