"""The simple recurrent network, with the training options of the LSTM."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import lstm

# Not tuned: size and training are those of the LSTM's default recipe.
ROW = AgentSpec(
    name="rnn",
    entry="ntm_baselines:RNN",
    summary="simple recurrent network (Elman 1990), without gates",
    default=Recipe(train=lstm.ROW.default.train),
)
