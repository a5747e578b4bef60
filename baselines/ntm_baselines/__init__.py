"""Baselines: what memory machines are compared with.

A baseline is one file here and one row of :data:`TABLE`.
"""

from ntm_agents.registry import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig, TrainConfig
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
        name="ppo",
        entry="ntm_baselines.sb3.policies:FeedForward",
        summary="PPO without a memory, from rewards alone",
        default=Recipe(train=RewardConfig()),
    ),
    AgentSpec(
        name="ppo-stacked",
        entry="ntm_baselines.sb3.policies:FeedForward",
        summary="PPO that sees the last 16 observations, from rewards alone",
        default=Recipe(model={"frames": 16, "units": 256}, train=RewardConfig()),
    ),
    AgentSpec(
        name="a2c",
        entry="ntm_baselines.sb3.policies:FeedForward",
        summary="A2C without a memory, from rewards alone",
        default=Recipe(train=RewardConfig(algorithm="a2c", rollout=8)),
    ),
    AgentSpec(
        name="recurrent-ppo",
        entry="ntm_baselines.sb3.policies:Recurrent",
        summary="sb3-contrib's recurrent PPO with an LSTM, from rewards alone",
        default=Recipe(train=RewardConfig()),
    ),
    AgentSpec(
        name="lstm-ppo",
        entry="ntm_baselines.lstm:LSTM",
        summary="LSTM as the memory of PPO, from rewards alone",
        default=Recipe(model={"units": 128}, train=RewardConfig()),
    ),
    AgentSpec(
        name="ntm-ppo",
        entry="ntm_agents.ntm:NTM",
        summary="NTM as the memory of PPO, from rewards alone",
        recipes={
            "copy": Recipe(
                model={
                    "controller": "feedforward",
                    "gate_bias": -3.0,
                    "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 0.0),
                },
                train=RewardConfig(),
            ),
        },
        default=Recipe(train=RewardConfig()),
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
