"""The Dynamic NTM with soft addressing."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING, STEADY
from ntm_agents.spec import AgentSpec, Recipe

# Both heads walk from each address to the next and begin to return to the first one when a gate opens. The
# controller does not see what is read, and so does the same at any slot. Addresses are wide, as keys that are
# a little off must not look like the address of one of a thousand other slots. Blank vectors must not look
# like the end of the sequence. Short sequences first, in which a head that returned to the wrong slot soon
# meets what was written.
COPY = Recipe(
    model={
        "controller": "feedforward",
        "hidden_size": 64,
        "follows": (1, 1),
        "address_width": 128,
        "feedback": "none",
        "strength_bias": 4.0,
        "lru": False,
        "nop_slots": 0,
    },
    train=replace(
        STEADY,
        sequences=16_000,
        bucket_size=16,
        initial_range=0.2,
        curriculum_end=0.4,
        task_overrides={"blank": 0.1},
    ),
)

# A GRU, as the paper has it, and one read head more, which looks up the word of the input and prefers it
# where it follows the last one that was found. So it finds a list by its beginning; when the gate closes, it
# goes on. Words are compared sharply from the start; with this epsilon, empty slots are similar to none.
DEFAULT = Recipe(
    model={
        "hidden_size": 64,
        "read_heads": 2,
        "follows": (1, 1, 2),
        "by_content": (False, False, True),
        "address_width": 64,
        "feedback": "content",
        "gate_bias": (-4.0, -4.0, 0.0),
        "strength_bias": (4.0, 4.0, 9.0),
        "epsilon": 0.1,
        "lru": False,
        "nop_slots": 0,
    },
    train=DEFAULT_TRAINING,
)
"""The recipe of tasks without one of their own."""

# Found by a search (benchmarks/searches/dntm).
ASSOCIATIVE_RECALL = Recipe(
    model={**DEFAULT.model, "hidden_size": 100, "memory_width": 20},
    train=replace(
        DEFAULT_TRAINING,
        steps=None,
        sequences=148_000,
        initial_range=None,
        learning_rate=0.012,
        beta2=0.99,
        decay_start=0.5,
        max_grad_norm=1.1,
        ema_decay=0.9,
    ),
)

ROW = AgentSpec(
    name="dntm",
    entry="ntm_agents:DNTM",
    summary="Dynamic NTM (Gulcehre et al. 2016) with soft addressing",
    recipes={"copy": COPY, "associative_recall": ASSOCIATIVE_RECALL},
    default=DEFAULT,
)
