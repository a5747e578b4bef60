"""The GRU, with the training options of the LSTM."""

from __future__ import annotations

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
        **dict.fromkeys(("classic", "formal", "interactive", "recall"), FITTING),
        "graph": GRAPH,
    },
    default=DEFAULT,
)
