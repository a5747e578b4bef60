"""PPO that sees the last observations."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig
from ntm_baselines.rewards import ACT

ROW = AgentSpec(
    name="ppo-stacked",
    entry="ntm_baselines:FeedForward",
    summary="PPO that sees the last 16 observations",
    recipes={"interactive": Recipe(model={"frames": 16, "hidden_size": 256}, train=ACT)},
    default=Recipe(model={"frames": 16, "hidden_size": 256}, train=RewardConfig()),
)
