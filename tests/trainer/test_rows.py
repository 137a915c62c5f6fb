"""What the trainer is fed: every token accounted for, no loss but on the completion."""

import json
import shutil
from collections import Counter
from random import Random

import pytest
from PIL import Image
from transformers import AutoProcessor
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from hmer_tasks.pipeline import BuildOptions, build
from trainer.data import Decode, prepare
from trainer.faults import TrainError
from trainer.lengths import Fitter
from trainer.options import DataArguments
from trainer.pictures import jitter
from trainer.shards import load_general, load_shards, shards_of, validation_of


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


def test_names_that_are_patterns(tmp_path, processor, shards):
    """`datasets` takes the names of files for patterns."""
    for name in ("g[1]", "g1"):
        shutil.copytree(shards, tmp_path / name)
        (tmp_path / f"{name}.jsonl").write_text(f'{{"prompt": "{name}?", "completion": "{name}"}}\n')
    shutil.rmtree(tmp_path / "g1" / "data")
    assert len(load_shards(shards_of(str(tmp_path / "g[1]")))) == len(load_shards(shards_of(str(shards))))
    (row,) = load_general([str(tmp_path / "g[1].jsonl")])
    assert row["completion"][0]["content"] == "g[1]"


def test_messages_come_before_a_prompt_and_a_completion(tmp_path):
    turns = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "1"}]
    record = {"messages": turns, "prompt": "Two?", "completion": "2"}
    (tmp_path / "g.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    (row,) = load_general([str(tmp_path / "g.jsonl")])
    assert (row["prompt"], row["completion"]) == (turns[:1], turns[1:])


def test_the_validation_split_of_whatever_split_is_named(tmp_path):
    build(BuildOptions("sample", out=tmp_path / "b", limit=12, workers=1, valid_share=0.3))
    valid = f"{tmp_path / 'b'}:valid"
    assert validation_of(str(tmp_path / "b")) == validation_of(f"{tmp_path / 'b'}:train") == valid
    assert load_shards(shards_of(valid))
    build(BuildOptions("sample", out=tmp_path / "c", limit=3, workers=1))
    assert validation_of(str(tmp_path / "c")) is None


def test_a_jittered_picture_is_no_larger():
    for seed in range(100):
        picture = Image.new("L", (300 + seed, 40 + seed), 255)
        jittered = jitter(picture, Random(seed))
        assert jittered.width * jittered.height <= picture.width * picture.height


def test_a_jittered_picture_has_no_more_tokens(processor):
    """A picture of fewer pixels may be rounded to more patches."""
    fit = Fitter(processor, 4096, downsize=False)
    decode = Decode(jitter_seed=0, fit=fit)
    chance, more = Random(3), 0
    for seed in range(150):
        picture = Image.new("L", (chance.randrange(60, 700), chance.randrange(40, 200)), 255)
        most = fit.of_picture(*picture.size)
        more += fit.of_picture(*jitter(picture, Random(seed)).size) > most
        assert fit.of_picture(*decode._jittered(picture, Random(seed)).size) <= most
    assert more  # else the test shows nothing
