"""The simple recurrent network."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import SHORT_FIRST
from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import lstm

# Not tuned: size and training are those of the LSTM's default recipe.
DEFAULT = lstm.ROW.default
# Sizes that fit the board's limit of a run's weights; inputs and outputs of graphs are many.
FITTING = Recipe(model={"hidden_size": 224}, train=DEFAULT.train)
GRAPH = Recipe(model={"hidden_size": 168}, train=DEFAULT.train)

ROW = AgentSpec(
    name="rnn",
    entry="ntm_baselines:RNN",
    summary="simple recurrent network (Elman 1990), without gates",
    recipes={
        **dict.fromkeys(("classic", "interactive", "recall"), FITTING),
        # Trials were on EvenPairs and Parity, which was not learnt with steps of 1e-3 or 3e-3, seed 600.
        "formal": Recipe(
            model=FITTING.model,
            train=replace(SHORT_FIRST, sequences=100_000, learning_rate=1e-3),
        ),
        "graph": GRAPH,
    },
    default=DEFAULT,
)
