"""The xLSTM, with the training options of the DeltaNet."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import deltanet

# Not tuned: training is that of the DeltaNet. The size fits the board's limit of a run's weights.
ROW = AgentSpec(
    name="xlstm",
    entry="ntm_baselines:XLSTM",
    summary="xLSTM (Beck et al. 2024), a block with an mLSTM and one with an sLSTM",
    default=Recipe(model={"hidden_size": 56}, train=deltanet.DEFAULT.train),
)
