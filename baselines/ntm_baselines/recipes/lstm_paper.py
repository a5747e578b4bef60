"""The LSTM of the paper."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

# The sizes are those of the paper's table 3. It trained on up to a million sequences; these are fewer.
ROW = AgentSpec(
    name="lstm-paper",
    entry="ntm_baselines:LSTM",
    summary="LSTM of the NTM paper, three layers of 128 to 512 units",
    recipes={
        "repeat_copy": Recipe(
            model={"hidden_size": 512, "num_layers": 3},
            train=TrainConfig(sequences=32_000, learning_rate=1e-3, mixed_sizes=True),
        ),
        "ngrams": Recipe(
            model={"hidden_size": 128, "num_layers": 3},
            train=TrainConfig(sequences=64_000, learning_rate=1e-3),
        ),
        "priority_sort": Recipe(
            model={"hidden_size": 128, "num_layers": 3},
            train=TrainConfig(sequences=128_000, learning_rate=1e-3),
        ),
    },
    default=Recipe(
        model={"hidden_size": 256, "num_layers": 3},
        train=TrainConfig(sequences=128_000, learning_rate=1e-3, mixed_sizes=True),
    ),
)
