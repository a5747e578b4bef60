"""The sLSTM, with the training options of the DeltaNet."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.spec import AgentSpec
from ntm_baselines.recipes import xlstm

# Not tuned: size and training are those of the xLSTM.
KINDS = {"blocks": ("slstm", "slstm")}

ROW = AgentSpec(
    name="slstm",
    entry="ntm_baselines:XLSTM",
    summary="xLSTM (Beck et al. 2024) of two blocks with sLSTMs",
    recipes={
        suite: replace(recipe, model={**recipe.model, **KINDS}) for suite, recipe in xlstm.ROW.recipes.items()
    },
    default=replace(xlstm.ROW.default, model={**xlstm.ROW.default.model, **KINDS}),
)
