"""Proximal policy optimisation.

Source: Schulman et al., *Proximal Policy Optimization Algorithms* (https://arxiv.org/abs/1707.06347).
"""

from __future__ import annotations

from dataclasses import dataclass

from ntm_agents.training.learners import Learner
from ntm_baselines.learners.rewards import RewardConfig


@dataclass(frozen=True, kw_only=True)
class PPOConfig(RewardConfig):
    """Options of PPO, with the memory of the model if it has one."""

    batch_size: int = 512
    """Steps of a batch."""
    n_epochs: int = 4
    """Passes over the steps of a rollout."""
    clip_range: float = 0.2
    """Largest change of an action's probability ratio in an update."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_counts("batch_size", "n_epochs")
        self._check_positive("clip_range")


ROW = Learner(
    name="ppo",
    config=PPOConfig,
    trainer="ntm_baselines.sb3:PPOTrainer",
    track="reward",
    unit="steps",
    budget="total_timesteps",
    measure="return",
)
