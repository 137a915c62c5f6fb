"""Batches of like length: all rows once an epoch, steps that stay mixed, an order that anyone can make again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.conftest import losses, train
from trainer.lengths import GROUP, GroupedSampler


def padding_share(lengths, order, batch) -> float:
    taken = lengths[np.asarray(order)]
    longest = [
        taken[at : at + batch].max() * len(taken[at : at + batch]) for at in range(0, len(taken), batch)
    ]
    return 1 - taken.sum() / sum(longest)


LENGTHS = np.random.default_rng(0).gamma(4, 60, 6000).astype(np.int64) + 1


@given(
    lengths=st.lists(st.integers(1, 900), min_size=1, max_size=300).map(lambda row: np.array(row, np.int64)),
    unit=st.integers(1, 9),
    accumulation=st.integers(1, 70),
    epoch=st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_every_row_comes_once_and_the_longest_at_once(lengths, unit, accumulation, epoch):
    sampler = GroupedSampler(lengths, unit, unit * accumulation, 7)
    sampler.set_epoch(epoch)
    order = list(sampler)
    assert sorted(order) == list(range(len(lengths))) and len(sampler) == len(order)
    assert list(sampler) == order  # made again by (seed, epoch) alone
    if len(lengths) >= unit:
        whole = order[: len(lengths) // unit * unit]
        assert max(lengths[order[:unit]]) == max(lengths[whole])


@pytest.mark.parametrize("rows", [4, 8, 16, 64])
def test_little_is_padding(rows):
    sampler = GroupedSampler(LENGTHS, rows, rows, 0)
    plain = np.random.default_rng(0).permutation(len(LENGTHS)).tolist()
    assert padding_share(LENGTHS, plain, rows) > 0.3
    assert padding_share(LENGTHS, list(sampler), rows) < 0.05
    sampler.set_epoch(1)
    assert padding_share(LENGTHS, list(sampler), rows) < 0.05
    assert padding_share(LENGTHS, plain, 1) == 0


def test_a_step_is_a_fair_draw():
    """With much accumulation a step's rows are as long as any; with little, they are still mixed."""
    for accumulation, bound in ((GROUP, 12), (8, 40)):
        order = np.array(list(GroupedSampler(LENGTHS, 8, 8 * accumulation, 0)))
        step = 8 * accumulation
        means = LENGTHS[order][: len(order) // step * step].reshape(-1, step).mean(1)
        assert np.abs(means - LENGTHS.mean()).mean() < bound
    sorted_whole = np.sort(LENGTHS)[: 6000 // 64 * 64].reshape(-1, 64).mean(1)
    assert np.abs(sorted_whole - LENGTHS.mean()).mean() > 60  # what it would be if steps were of one length


RUN = (
    "--max_steps",
    3,
    "--per_device_train_batch_size",
    8,
    "--learning_rate",
    "1e-3",
    "--save_strategy",
    "no",
)


@pytest.mark.parametrize("strategy", ["random", "sequential", "batch_rebalance"])
def test_transformers_strategies_work(strategy, shards, tiny, tmp_path):
    train(shards, tiny, tmp_path, *RUN, "--train_sampling_strategy", strategy)
    assert len(losses(tmp_path)) == 3
