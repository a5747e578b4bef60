"""The xLSTM, with the training options of the DeltaNet."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import deltanet

# Not tuned: training is that of the DeltaNet. Sizes fit the board's limit of a run's weights; inputs and
# outputs of graphs are many.
ROW = AgentSpec(
    name="xlstm",
    entry="ntm_baselines:XLSTM",
    summary="xLSTM (Beck et al. 2024), a block with an mLSTM and one with an sLSTM",
    recipes={"graph": Recipe(model={"hidden_size": 52}, train=deltanet.DEFAULT.train)},
    default=Recipe(model={"hidden_size": 56}, train=deltanet.DEFAULT.train),
)
