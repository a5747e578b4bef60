"""The Differentiable Neural Computer."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

ROW = AgentSpec(
    name="dnc",
    entry="ntm_agents:DNC",
    summary="DNC with an LSTM controller",
    default=Recipe(
        model={"hidden_size": 64, "memory_width": 16, "read_heads": 2},
        train=TrainConfig(sequences=64_000, batch_size=16, mixed_sizes=True, beta2=0.99),
    ),
)
