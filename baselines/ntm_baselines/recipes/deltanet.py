"""The DeltaNet, with the training options of the LSTM."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes import ntm
from ntm_agents.spec import AgentSpec, Recipe

# Not tuned: training is that of the LSTM's default recipe, with smaller steps.
ROW = AgentSpec(
    name="deltanet",
    entry="ntm_baselines:DeltaNet",
    summary="DeltaNet (Yang et al. 2024), linear attention with the delta rule, gated or not",
    default=Recipe(
        model={"negative_eigenvalues": True},
        train=replace(ntm.DEFAULT_TRAINING, sequences=48_000, learning_rate=1e-3),
    ),
)
