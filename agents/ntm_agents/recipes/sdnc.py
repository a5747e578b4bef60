"""The Sparse DNC."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING, STEADY
from ntm_agents.spec import AgentSpec, Recipe

# One head writes each word to a free slot, and finds it at once, as its key starts as the word. Biases of the
# read modes make it go on from there to what was written next; it seldom has reason to go back. Keys are
# strong, as words are alike in part, and this epsilon makes faint words, such as those of steps without an
# input, less similar.
DEFAULT = Recipe(
    model={
        "hidden_size": 64,
        "heads": 1,
        "memory_width": 32,
        "links": 4,
        "skip_connection": True,
        "key_init": "word",
        "epsilon": 1.0,
        "strength_bias": 20.0,
        "mode_bias": (-2.0, 1.0, 2.0),
        "write_gate_bias": 2.0,
        "read_gate_bias": -5.0,
    },
    train=DEFAULT_TRAINING,
)
"""The recipe of tasks without one of their own."""

ROW = AgentSpec(
    name="sdnc",
    entry="ntm_agents:SDNC",
    summary="Sparse DNC (Rae et al. 2016): a SAM with sparse temporal links, with an LSTM controller",
    recipes={
        # Blank vectors must not look like the end of the sequence.
        "copy": Recipe(
            model=DEFAULT.model,
            train=replace(STEADY, sequences=24_000, task_overrides={"blank": 0.1}),
        ),
    },
    default=DEFAULT,
)
