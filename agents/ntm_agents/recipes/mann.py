"""The memory-augmented network with least recently used access."""

from __future__ import annotations

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

ROW = AgentSpec(
    name="mann",
    entry="ntm_agents:MANN",
    summary="memory-augmented network with least recently used access (Santoro et al. 2016)",
    recipes={
        # Sizes, batches and sequences are those of the paper. No training with it has been completed yet.
        "one_shot": Recipe(
            model={**MODEL, "memory_slots": 128},
            train=TrainConfig(sequences=100_000, batch_size=16, learning_rate=1e-3),
        ),
    },
    default=Recipe(
        model={**MODEL, "hidden_size": 64, "memory_width": 20, "read_heads": 2},
        train=TrainConfig(sequences=64_000, mixed_sizes=True),
    ),
)
