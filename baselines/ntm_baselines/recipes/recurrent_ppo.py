"""sb3-contrib's recurrent PPO."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig
from ntm_baselines.rewards import ACT

ROW = AgentSpec(
    name="recurrent-ppo",
    entry="ntm_baselines:Recurrent",
    summary="sb3-contrib's recurrent PPO with an LSTM",
    recipes={"interactive": Recipe(train=replace(ACT, batch_size=2048))},
    default=Recipe(train=RewardConfig(batch_size=2048)),  # twice as fast as with 512
)
