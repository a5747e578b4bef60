"""Mamba, with the training options of the DeltaNet."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import deltanet

# Not tuned: training is that of the DeltaNet. The size fits the board's limit of a run's weights.
ROW = AgentSpec(
    name="mamba",
    entry="ntm_baselines:Mamba",
    summary="Mamba (Gu & Dao 2023), a selective state-space model",
    default=Recipe(model={"hidden_size": 56}, train=deltanet.DEFAULT.train),
)
