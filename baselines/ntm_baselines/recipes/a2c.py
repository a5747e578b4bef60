"""Advantage actor-critic without a memory."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.learners.a2c import A2CConfig

ROW = AgentSpec(
    name="a2c",
    entry="ntm_baselines:FeedForward",
    summary="A2C without a memory",
    recipes={"interactive": Recipe(learner="a2c", train=A2CConfig(gamma=0.9))},
    default=Recipe(learner="a2c", train=A2CConfig()),
)
