"""sb3-contrib's recurrent PPO."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.recipes.rewards import ACT

ROW = AgentSpec(
    name="recurrent-ppo",
    entry="ntm_baselines:Recurrent",
    summary="sb3-contrib's recurrent PPO with an LSTM",
    recipes={"interactive": Recipe(learner="ppo", train=replace(ACT, batch_size=2048))},
    default=Recipe(learner="ppo", train=PPOConfig(batch_size=2048)),  # twice as fast as with 512
)
