"""Advantage actor-critic.

Source: Mnih et al., *Asynchronous Methods for Deep Reinforcement Learning* (https://arxiv.org/abs/1602.01783),
here with environments that step together.
"""

from __future__ import annotations

from dataclasses import dataclass

from ntm_agents.training.learners import Learner
from ntm_baselines.learners.rewards import RewardConfig


@dataclass(frozen=True, kw_only=True)
class A2CConfig(RewardConfig):
    """Options of A2C, for models without a memory."""

    n_steps: int = 8
    """Steps of each environment between updates: few, as each step is learnt from once."""


ROW = Learner(
    name="a2c",
    config=A2CConfig,
    trainer="ntm_baselines.sb3:A2CTrainer",
    track="reward",
    unit="steps",
    budget="total_timesteps",
    measure="return",
)
