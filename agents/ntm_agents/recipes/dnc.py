"""The Differentiable Neural Computer."""

from __future__ import annotations

from ntm_agents.recipes.ntm import DEFAULT_TRAINING
from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

ROW = AgentSpec(
    name="dnc",
    entry="ntm_agents:DNC",
    summary="Differentiable Neural Computer (Graves et al. 2016) with an LSTM controller",
    recipes={
        # Each edge goes to a free slot, and nothing is freed. The part of an edge that a query shows finds
        # the slot, by keys that start as written vectors do; strong keys, as most slots are empty. What was
        # found stays in view, from head to head, until it has to be answered. Short paths come first.
        "traversal": Recipe(
            model={
                "hidden_size": 64,
                "memory_width": 64,
                "read_heads": 3,
                "skip_connection": True,
                "key_init": "chain",
                "strength_bias": 10.0,
                "mode_bias": (0.0, 2.0, 0.0),
                "free_gate_bias": -5.0,
                "allocation_gate_bias": 2.0,
                "write_gate_bias": 2.0,
            },
            train=TrainConfig(
                sequences=60_000,
                batch_size=16,
                bucket_size=4,
                mixed_sizes=True,
                curriculum={"path": 1},
                curriculum_end=0.5,
                max_grad_norm=0.2,
                beta2=0.99,
                rollback=5.0,
            ),
        ),
    },
    # One read head begins by looking up, and one by going on to what was written next.
    default=Recipe(
        model={
            "hidden_size": 64,
            "memory_width": 16,
            "read_heads": 2,
            "mode_bias": (0.0, 2.0, 0.0, 0.0, 0.0, 2.0),
            "free_gate_bias": -3.0,
            "allocation_gate_bias": 2.0,
            "write_gate_bias": 1.0,
        },
        train=DEFAULT_TRAINING,
    ),
)
