"""PPO without a memory."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig
from ntm_baselines.rewards import ACT

ROW = AgentSpec(
    name="ppo",
    entry="ntm_baselines:FeedForward",
    summary="PPO without a memory",
    recipes={"interactive": Recipe(train=ACT)},
    default=Recipe(train=RewardConfig()),
)
