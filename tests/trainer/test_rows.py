"""What the trainer is fed: every token accounted for, no loss but on the completion."""

from collections import Counter

import pytest
from transformers import AutoProcessor
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from trainer.data import prepare
from trainer.faults import TrainError
from trainer.lengths import Fitter
from trainer.options import DataArguments


@pytest.fixture(scope="module")
def processor(tiny):
    return AutoProcessor.from_pretrained(tiny)


def collated(processor, rows, number):
    collator = DataCollatorForVisionLanguageModeling(processor, max_length=None, completion_only_loss=True)
    return collator([rows[number]])


def test_loss_is_on_the_completion_alone_and_the_count_is_exact(shards, processor):
    prepared = prepare(DataArguments(data=[str(shards)]), processor, 0)
    image = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    lengths = []
    for number in range(len(prepared.rows)):
        batch = collated(processor, prepared.rows, number)
        ids, labels = batch["input_ids"][0], batch["labels"][0]
        learned = labels != -100
        assert processor.tokenizer.decode(labels[learned]) == (
            prepared.rows[number]["completion"][0]["content"] + "<|im_end|>\n"
        )
        first = int(learned.nonzero()[0])
        assert not learned[:first].any() and learned[first:].all()
        assert (ids == image).sum() > 3 and (labels == image).sum() == 0
        lengths.append(len(ids))
    assert prepared.lengths.tolist() == lengths
    assert len(prepared.rows) == 60 and not prepared.refused


def test_what_does_not_fit_is_refused_or_made_smaller(shards, processor):
    most = 110
    refused = prepare(DataArguments(data=[str(shards)], max_tokens=most), processor, 0)
    assert refused.refused and all(refusal["reason"] == "too_long" for refusal in refused.refused)
    assert len(refused.rows) + len(refused.refused) == 60
    smaller = prepare(DataArguments(data=[str(shards)], max_tokens=most, too_long="downsize"), processor, 0)
    assert smaller.downsized() and len(smaller.rows) > len(refused.rows)
    for prepared in (refused, smaller):
        lengths = [
            collated(processor, prepared.rows, number)["input_ids"].shape[1]
            for number in range(len(prepared.rows))
        ]
        assert lengths == prepared.lengths.tolist() and max(lengths) <= most
    with pytest.raises(TrainError, match="no row is left: too_long 60"):
        prepare(DataArguments(data=[str(shards)], max_tokens=20), processor, 0)


def test_a_picture_over_the_cap(processor):
    cap = processor.image_processor.size["longest_edge"]
    side = int(cap**0.5) + 30
    fit = Fitter(processor, 2048, downsize=False)
    assert fit(10, side, side).capped and not fit(10, 20, 20).capped
    assert fit(10, 4000, 10).refused == "image_too_long"


def test_corpora_and_tasks_by_weight(shards, processor):
    once = prepare(DataArguments(data=[str(shards)], task_weights="recognition"), processor, 0)
    assert once.tasks == {"recognition": 12}
    weights = {"data": [str(shards), str(shards)], "data_weights": [2.0, 0.5]}
    mixed = prepare(DataArguments(**weights, task_weights="recognition=1,counting=2"), processor, 0)
    again = prepare(DataArguments(**weights, task_weights="recognition=1,counting=2"), processor, 0)
    tasks, ids = mixed.table["task"][:], mixed.table["id"][:]
    first = 12 * 2 * 1 + 12 * 2 * 2  # of the first corpus, twice, counting four times
    assert Counter(tasks[:first]) == {"recognition": 24, "counting": 48}
    assert set(Counter(zip(tasks, ids, strict=True)).values()) <= {2, 3, 4, 5}
    assert 12 < len(mixed.rows) - first < 24  # of the second half of one task and all of the other
    assert (tasks, ids) == (again.table["task"][:], again.table["id"][:])
    assert mixed.digest() == again.digest()
    other = prepare(DataArguments(**weights, task_weights="recognition=1,counting=2"), processor, 1)
    assert mixed.digest() != other.digest()


def test_general_data_has_its_share(shards, processor, tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text(
        '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]}\n'
        '{"prompt": "One and one?", "completion": "Two."}\n',
        encoding="utf-8",
    )
    arguments = DataArguments(data=[str(shards)], general_data=[str(path)], general_share=0.25)
    prepared = prepare(arguments, processor, 0)
    assert prepared.tasks["general"] == 20 and len(prepared.rows) == 80
    said = {prepared.rows[number]["completion"][0]["content"] for number in range(60, 80)}
    assert said == {"Good day", "Two."} and prepared.rows[60]["images"] == []
    arguments.max_tokens = 400
    with path.open("a", encoding="utf-8") as lines:
        lines.write('{"prompt": "' + "a b c " * 400 + '", "completion": "No."}\n')
    (refused,) = prepare(arguments, processor, 0).refused
    assert (refused["source"], refused["id"], refused["reason"]) == ("general/chat.jsonl", "3", "too_long")
    path.write_text('{"messages": [{"role": "user", "content": "Hello"}]}\n', encoding="utf-8")
    with pytest.raises(
        TrainError, match=r"chat\.jsonl:1: needs a prompt, and an assistant's turn at the end"
    ):
        prepare(arguments, processor, 0)


def test_a_side_of_the_folds(shards, processor, tmp_path):
    rows = prepare(DataArguments(data=[str(shards)]), processor, 0).table
    keys = sorted({*zip(rows["source"], rows["id"], strict=True)})
    path = tmp_path / "folds.jsonl"
    lines = [
        f'{{"source": "{source}", "id": "{id}", "fold": {number % 3}}}\n'
        for number, (source, id) in enumerate(keys)
    ]
    path.write_text("".join(lines), encoding="utf-8")
    sides = {
        side: prepare(DataArguments(data=[str(shards)], folds=str(path), fold=1, side=side), processor, 0)
        for side in ("train", "held")
    }
    ids = {side: prepared.table["id"][:] for side, prepared in sides.items()}
    assert len(ids["held"]) == 20 and len(ids["train"]) == 40
    assert set(ids["held"]) == {id for _, id in keys[1::3]}
    assert not {*ids["held"]} & {*ids["train"]}


def test_jitter_is_new_in_every_epoch_and_the_same_in_every_run(shards, processor):
    drawn = {}
    for run in (0, 1):
        prepared = prepare(DataArguments(data=[str(shards)], jitter=True), processor, 0)
        rows = prepared.rows
        for epoch in (0, 1):
            prepared.transform.epoch = epoch
            drawn[run, epoch] = rows[0]["images"][0].tobytes()
    assert drawn[0, 0] == drawn[1, 0] != drawn[0, 1] == drawn[1, 1]
