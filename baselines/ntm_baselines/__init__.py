"""Baselines: what memory machines are compared with.

A baseline is one file here and one row of :data:`TABLE`.
"""

from ntm_agents.registry import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig
from ntm_baselines.lstm import LSTM, LSTMConfig
from ntm_baselines.reference import CoinFlips, Constant, oracle

__all__ = ["LSTM", "TABLE", "CoinFlips", "Constant", "LSTMConfig", "oracle"]

TABLE = (
    AgentSpec(
        name="lstm",
        entry="ntm_baselines.lstm:LSTM",
        summary="LSTM, one layer of 256 units",
        default=Recipe(train=TrainConfig(sequences=48_000, mixed_sizes=True)),
    ),
    # The sizes are those of the paper's table 3. It trained on up to a million sequences; these are
    # fewer.
    AgentSpec(
        name="lstm-paper",
        entry="ntm_baselines.lstm:LSTM",
        summary="LSTM of the NTM paper, three layers of 128 to 512 units",
        recipes={
            "repeat_copy": Recipe(
                model={"units": 512, "depth": 3},
                train=TrainConfig(sequences=32_000, learning_rate=1e-3, mixed_sizes=True),
            ),
            "ngrams": Recipe(
                model={"units": 128, "depth": 3},
                train=TrainConfig(sequences=64_000, learning_rate=1e-3),
            ),
            "priority_sort": Recipe(
                model={"units": 128, "depth": 3},
                train=TrainConfig(sequences=128_000, learning_rate=1e-3),
            ),
        },
        default=Recipe(
            model={"units": 256, "depth": 3},
            train=TrainConfig(sequences=128_000, learning_rate=1e-3, mixed_sizes=True),
        ),
    ),
    AgentSpec(
        name="oracle",
        entry="ntm_baselines.reference:oracle",
        summary="the best possible agent",
        learns=False,
    ),
    AgentSpec(
        name="constant",
        entry="ntm_baselines.reference:Constant",
        summary="the best constant output",
        learns=False,
    ),
    AgentSpec(
        name="coin-flips",
        entry="ntm_baselines.reference:CoinFlips",
        summary="fair coin flips",
        learns=False,
    ),
)
