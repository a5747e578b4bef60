"""Sparse Access Memory."""

from __future__ import annotations

from ntm_agents.recipes.ntm import DEFAULT_TRAINING
from ntm_agents.spec import AgentSpec, Recipe

# The interface sees inputs and last read vectors. Strong keys, as a softmax over few slots is blurred
# otherwise. Each vector goes to a free slot.
DEFAULT = Recipe(
    model={
        "hidden_size": 64,
        "heads": 2,
        "memory_width": 16,
        "skip_connection": True,
        "strength_bias": 8.0,
        "write_gate_bias": 1.0,
        "read_gate_bias": -3.0,
    },
    train=DEFAULT_TRAINING,
)
"""The recipe of tasks without one of their own."""

ROW = AgentSpec(
    name="sam",
    entry="ntm_agents:SAM",
    summary="Sparse Access Memory (Rae et al. 2016) with an LSTM controller",
    default=DEFAULT,
)
