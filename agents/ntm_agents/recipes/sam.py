"""Sparse Access Memory."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING, STEADY
from ntm_agents.spec import AgentSpec, Recipe

# A SAM has neither shifts nor links, so what comes in order is found by its content: the slots start as a
# list, which one head can write and follow. For that the interface sees inputs and last read vectors. Keys
# are strong, as slots of a list are alike in part. Each word goes to a free slot. While the list is followed,
# nothing may be written, as the key would find it; with this epsilon, a word that a nearly closed gate has
# written is too small to be found.
DEFAULT = Recipe(
    model={
        "hidden_size": 64,
        "heads": 1,
        "memory_width": 32,
        "skip_connection": True,
        "key_init": "chain",
        "epsilon": 1.0,
        "strength_bias": 20.0,
        "write_gate_bias": 2.0,
        "read_gate_bias": -5.0,
    },
    train=DEFAULT_TRAINING,
)
"""The recipe of tasks without one of their own."""

ROW = AgentSpec(
    name="sam",
    entry="ntm_agents:SAM",
    summary="Sparse Access Memory (Rae et al. 2016) with an LSTM controller",
    recipes={
        # Pairs are found by their keys alone, in any order: no word has a trace of those before it, and the
        # controller needs no state. With a larger epsilon, long words would look nearer to every key. While a
        # memory is empty, a read uses up several slots, so that a small one needs more of them than steps.
        "key_value_recall": Recipe(
            model={
                **DEFAULT.model,
                "controller": "feedforward",
                "key_init": "word",
                "epsilon": 1e-6,
                "slots_per_step": 4,
            },
            train=replace(STEADY, sequences=32_000),
        ),
    },
    default=DEFAULT,
)
