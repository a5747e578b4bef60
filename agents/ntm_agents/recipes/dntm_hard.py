"""The Dynamic NTM with hard addressing."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.dntm import COPY, DEFAULT
from ntm_agents.spec import AgentSpec

# Straight-through gradients need no draws, so that training is no noisier than with soft weightings, which
# most sequences have at first.
HARD = {"addressing": "hard", "gradient": "straight-through", "soft_batches": 100.0}

ROW = AgentSpec(
    name="dntm-hard",
    entry="ntm_agents:DNTM",
    summary="Dynamic NTM (Gulcehre et al. 2016) with hard addressing, learned by straight-through gradients",
    recipes={"copy": replace(COPY, model={**COPY.model, **HARD})},
    default=replace(DEFAULT, model={**DEFAULT.model, **HARD}),
)
