"""The Dynamic NTM with soft addressing."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING
from ntm_agents.spec import AgentSpec, Recipe

# Heads begin as readers of a list: the way from an address to the next is the same everywhere. Blank vectors
# must not look like the end of the sequence.
COPY = Recipe(
    model={
        "controller": "feedforward",
        "hidden_size": 64,
        "follows": (1, 1),
        "strength_bias": 4.0,
        "lru": False,
        "nop_slots": 0,
    },
    train=replace(DEFAULT_TRAINING, sequences=48_000, task_overrides={"blank": 0.1}),
)

ROW = AgentSpec(
    name="dntm",
    entry="ntm_agents:DNTM",
    summary="Dynamic NTM (Gulcehre et al. 2016) with soft addressing",
    recipes={"copy": COPY},
    default=COPY,
)
