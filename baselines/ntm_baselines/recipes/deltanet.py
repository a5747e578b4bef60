"""The DeltaNet."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import SHORT_FIRST
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
        **dict.fromkeys(("classic", "interactive", "recall"), FITTING),
        # Trials were on Parity, seed 600, where lengths from 40 to 500 were right at 0.95 on average: so they
        # were with gates; with steps of 1e-3 at 0.84, of 6e-3 at 0.75, with one layer at 0.82, and without
        # the convolution at 0.63.
        "formal": Recipe(
            model=FITTING.model,
            train=replace(SHORT_FIRST, sequences=100_000, learning_rate=3e-3),
        ),
        "graph": GRAPH,
    },
    default=DEFAULT,
)
