"""PPO without a memory."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.recipes.rewards import ACT

ROW = AgentSpec(
    name="ppo",
    entry="ntm_baselines:FeedForward",
    summary="PPO without a memory",
    recipes={"interactive": Recipe(learner="ppo", train=ACT)},
    default=Recipe(learner="ppo", train=PPOConfig()),
)
