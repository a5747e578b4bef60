"""The sLSTM, with the training options of the DeltaNet."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.recipes import xlstm

# Not tuned: size and training are those of the xLSTM.
ROW = AgentSpec(
    name="slstm",
    entry="ntm_baselines:XLSTM",
    summary="xLSTM (Beck et al. 2024) of two blocks with sLSTMs",
    default=Recipe(
        model={**xlstm.ROW.default.model, "blocks": ("slstm", "slstm")}, train=xlstm.ROW.default.train
    ),
)
