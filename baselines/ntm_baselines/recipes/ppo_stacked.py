"""PPO that sees the last observations."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.recipes.rewards import ACT

ROW = AgentSpec(
    name="ppo-stacked",
    entry="ntm_baselines:FeedForward",
    summary="PPO that sees the last 16 observations",
    recipes={"interactive": Recipe(model={"frames": 16, "hidden_size": 256}, learner="ppo", train=ACT)},
    default=Recipe(model={"frames": 16, "hidden_size": 256}, learner="ppo", train=PPOConfig()),
)
