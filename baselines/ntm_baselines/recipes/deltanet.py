"""The DeltaNet, with the default training."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes.lstm import DEFAULT_TRAINING

# Not tuned: training is the default, with smaller steps.
DEFAULT = Recipe(
    model={"negative_eigenvalues": True},
    train=replace(DEFAULT_TRAINING, learning_rate=1e-3),
)
# Widths that fit the board's limit of a run's weights; inputs and outputs of graphs are many.
FITTING = Recipe(model={**DEFAULT.model, "hidden_size": 48}, train=DEFAULT.train)
GRAPH = Recipe(model={**DEFAULT.model, "hidden_size": 44}, train=DEFAULT.train)

ROW = AgentSpec(
    name="deltanet",
    entry="ntm_baselines:DeltaNet",
    summary="DeltaNet (Yang et al. 2024), linear attention with the delta rule, gated or not",
    recipes={
        **dict.fromkeys(("classic", "formal", "interactive", "recall"), FITTING),
        "graph": GRAPH,
    },
    default=DEFAULT,
)
