"""The memory-augmented network with least recently used access."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING
from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

# Without a strength no slot gets more than e times the weight of an empty one, and what was read is blurred.
# A head that reads first does not find its own key of the same step. Each head begins by writing to unused
# slots.
MODEL = {
    "key_strength": True,
    "strength_bias": 4.0,
    "order": "read_first",
    "gate_bias": -2.0,
}

DEFAULT = Recipe(
    model={**MODEL, "hidden_size": 64, "memory_width": 20, "read_heads": 2},
    train=DEFAULT_TRAINING,
)
"""The recipe of tasks without one of their own."""

ROW = AgentSpec(
    name="mann",
    entry="ntm_agents:MANN",
    summary="memory-augmented network with least recently used access (Santoro et al. 2016)",
    recipes={
        # Both heads write at every step. With as many slots as steps they overwrite pairs that are needed.
        "key_value_recall": replace(DEFAULT, model={**DEFAULT.model, "slots_per_step": 2}),
        # A label comes one step after its drawing: the heads see both. What a drawing looks like has nothing
        # to do with those before it, so the controller needs no state.
        "one_shot": Recipe(
            model={
                **MODEL,
                "controller": "feedforward",
                "memory_slots": 128,
                "delayed_output": True,
            },
            # Some runs do not find out that the memory helps; those that do, have found it by then.
            train=TrainConfig(
                sequences=80_000,
                batch_size=16,
                learning_rate=3e-3,
                beta2=0.99,
                ema_decay=0.99,
                validate_every=3200,
                restart_after=6400,
                restart_loss=1.3,
            ),
        ),
    },
    default=DEFAULT,
)
