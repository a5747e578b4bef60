"""Advantage actor-critic without a memory."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig
from ntm_baselines.rewards import ACT

ROW = AgentSpec(
    name="a2c",
    entry="ntm_baselines:FeedForward",
    summary="A2C without a memory",
    recipes={"interactive": Recipe(train=replace(ACT, algorithm="a2c", n_steps=8))},
    default=Recipe(train=RewardConfig(algorithm="a2c", n_steps=8)),
)
