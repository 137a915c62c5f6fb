"""Verifiable rewards for TRL's GRPOTrainer and for verl, under the name that training scripts import.

They are defined in `hmer_tasks/evaluation/rewards.py`.
"""

from hmer_tasks.evaluation.rewards import (
    REWARDS,
    box_f1_reward,
    counts_agree_reward,
    edit_reward,
    exact_reward,
    image_match_reward,
    length_reward,
    markup_valid_reward,
    same_on_paper_reward,
    tree_agrees_reward,
    tree_valid_reward,
    weighted_score,
)

__all__ = [
    "REWARDS",
    "box_f1_reward",
    "counts_agree_reward",
    "edit_reward",
    "exact_reward",
    "image_match_reward",
    "length_reward",
    "markup_valid_reward",
    "same_on_paper_reward",
    "tree_agrees_reward",
    "tree_valid_reward",
    "weighted_score",
]
