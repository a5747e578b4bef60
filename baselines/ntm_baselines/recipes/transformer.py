"""The causal Transformer."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import SHORT_FIRST
from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes.lstm import DEFAULT_TRAINING

# Not tuned: the size is that of Deletang et al. (2023), with whose tasks Ruoss et al. (2023) found randomised
# positions the best for longer sequences; training is the default, with smaller steps.
DEFAULT = Recipe(
    model={"position": "randomised"},
    train=replace(DEFAULT_TRAINING, learning_rate=1e-3),
)
# A size that fits the board's limit of a run's weights, narrower rather than much shallower.
FITTING = Recipe(model={**DEFAULT.model, "hidden_size": 32, "num_layers": 4, "heads": 4}, train=DEFAULT.train)

ROW = AgentSpec(
    name="transformer",
    entry="ntm_baselines:Transformer",
    summary="causal Transformer (Vaswani et al. 2017), with one of five encodings of positions",
    recipes={
        **dict.fromkeys(("classic", "graph", "interactive", "recall"), FITTING),
        # As for other models, without a search.
        "formal": Recipe(
            model=FITTING.model, train=replace(SHORT_FIRST, sequences=100_000, learning_rate=1e-3)
        ),
    },
    default=DEFAULT,
)
