"""The GRU."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import SHORT_FIRST
from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import lstm

# Not tuned: size and training are those of the LSTM's default recipe.
DEFAULT = lstm.ROW.default
# Sizes that fit the board's limit of a run's weights; inputs and outputs of graphs are many.
FITTING = Recipe(model={"hidden_size": 128}, train=DEFAULT.train)
GRAPH = Recipe(model={"hidden_size": 96}, train=DEFAULT.train)

ROW = AgentSpec(
    name="gru",
    entry="ntm_baselines:GRU",
    summary="gated recurrent units (Cho et al. 2014)",
    recipes={
        **dict.fromkeys(("classic", "interactive", "recall"), FITTING),
        # Trials were on EvenPairs, seed 600.
        "formal": Recipe(
            model=FITTING.model,
            train=replace(SHORT_FIRST, sequences=100_000, learning_rate=3e-3),
        ),
        "graph": GRAPH,
    },
    default=DEFAULT,
)
