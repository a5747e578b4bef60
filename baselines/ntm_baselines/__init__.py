"""Baselines: what memory machines are compared with.

A baseline is one file here and one row of :data:`TABLE`.
"""

from dataclasses import replace

import ntm_agents
from ntm_agents.registry import AgentSpec, Recipe, find
from ntm_agents.training.config import RewardConfig, TrainConfig
from ntm_baselines.lstm import LSTM, LSTMConfig
from ntm_baselines.reference import Constant, Uniform, oracle, reference

__all__ = ["LSTM", "TABLE", "Constant", "LSTMConfig", "Uniform", "oracle", "reference"]

_NTM = find("ntm", ntm_agents.TABLE)
_NTM_LSTM = find("ntm-lstm", ntm_agents.TABLE)
_RECALL = RewardConfig(sizes={"items": (5, 6)}, lessons={"near_misses": 0.3})
_REPEAT = RewardConfig(
    lessons={"blank": 0.1}, curriculum={"repeats": 1}, curriculum_end=0.35, steps=4_000_000, clip_norm=0.1
)
"""RepeatCopy is first learnt as Copy is: to say a sequence once, and then that it is over."""
_PREDICT = RewardConfig(steps=4_000_000, rollout=200, batch_size=1600)
"""NGrams: a rollout is of whole sequences, so that early counts learn from what is said late."""
_SORT = RewardConfig(steps=4_000_000, sizes={"length": (2, 20)}, curriculum={"length": 5}, batch_size=2048)

_ACT = RewardConfig(gamma=0.9)
"""Interactive tasks: what is done now decides what can be earned later."""
_FORMAL = TrainConfig(
    sequences=200_000,
    batch_size=16,
    mixed_sizes=True,
    curriculum={"length": 5},
    curriculum_end=0.3,
    clip_norm=0.2,
    beta2=0.99,
    rollback=5.0,
)
"""Formal languages: short words first, small steps, and back to the best weights when they are lost."""

TABLE = (
    AgentSpec(
        name="lstm",
        entry="ntm_baselines.lstm:LSTM",
        summary="LSTM, as large and trained as benchmarks/search.py found it best",
        # The best trial of each task, with three times the sequences that the trial had.
        recipes={
            "copy": Recipe(
                model={"units": 128, "depth": 2, "forget_bias": 3.0},
                train=TrainConfig(
                    sequences=150_000,
                    batch_size=16,
                    mixed_sizes=True,
                    curriculum={"length": 5},
                    learning_rate=8.3e-3,
                    decay_start=0.09,
                    clip_norm=0.65,
                    average=0.995,
                ),
            ),
            "associative_recall": Recipe(
                model={"units": 64, "depth": 2, "forget_bias": 1.0},
                train=TrainConfig(
                    sequences=310_000,
                    batch_size=64,
                    mixed_sizes=True,
                    lessons={"near_misses": 0.3},
                    curriculum={"items": 2},
                    learning_rate=1.33e-2,
                    decay_start=0.77,
                    clip_norm=0.67,
                    average=0.9,
                    validation_sequences=256,
                ),
            ),
            "repeat_copy": Recipe(
                model={"units": 128, "depth": 2, "forget_bias": 3.0, "orthogonal": True},
                train=TrainConfig(
                    sequences=177_000,
                    batch_size=16,
                    mixed_sizes=True,
                    lessons={"blank": 0.1},
                    curriculum={"repeats": 3, "length": 3},
                    learning_rate=8.2e-3,
                    decay_start=0.27,
                    clip_norm=0.06,
                    beta2=0.99,
                    average=0.9,
                ),
            ),
            "ngrams": Recipe(
                model={"units": 64, "depth": 2, "forget_bias": 1.0},
                train=TrainConfig(
                    sequences=84_000,
                    batch_size=8,
                    mixed_sizes=True,
                    learning_rate=1.25e-2,
                    decay_start=0.7,
                    clip_norm=2.2,
                    beta2=0.99,
                    validation_sequences=256,
                ),
            ),
            "priority_sort": Recipe(
                model={"units": 128, "depth": 3, "forget_bias": 1.0},
                train=TrainConfig(
                    sequences=426_000,
                    mixed_sizes=True,
                    sizes={"length": (2, 20)},
                    curriculum={"length": 5},
                    learning_rate=9e-3,
                    decay_start=0.33,
                    clip_norm=2.6,
                    beta2=0.99,
                    average=0.9,
                    validate_every=8_000,
                    validation_sequences=256,
                ),
            ),
            "parity": Recipe(model={"units": 128}, train=replace(_FORMAL, sequences=40_000)),
            "modular_arithmetic": Recipe(
                model={"units": 128},
                train=replace(_FORMAL, sequences=160_000, curriculum={"operands": 3}),
            ),
            "formal": Recipe(model={"units": 128}, train=_FORMAL),
        },
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
        summary="PPO without a memory",
        recipes={"interactive": Recipe(train=_ACT)},
        default=Recipe(train=RewardConfig()),
    ),
    AgentSpec(
        name="ppo-stacked",
        entry="ntm_baselines.sb3.policies:FeedForward",
        summary="PPO that sees the last 16 observations",
        recipes={"interactive": Recipe(model={"frames": 16, "units": 256}, train=_ACT)},
        default=Recipe(model={"frames": 16, "units": 256}, train=RewardConfig()),
    ),
    AgentSpec(
        name="a2c",
        entry="ntm_baselines.sb3.policies:FeedForward",
        summary="A2C without a memory",
        recipes={"interactive": Recipe(train=replace(_ACT, algorithm="a2c", rollout=8))},
        default=Recipe(train=RewardConfig(algorithm="a2c", rollout=8)),
    ),
    AgentSpec(
        name="recurrent-ppo",
        entry="ntm_baselines.sb3.policies:Recurrent",
        summary="sb3-contrib's recurrent PPO with an LSTM",
        recipes={"interactive": Recipe(train=replace(_ACT, batch_size=2048))},
        default=Recipe(train=RewardConfig(batch_size=2048)),  # twice as fast as with 512
    ),
    AgentSpec(
        name="lstm-ppo",
        entry="ntm_baselines.lstm:LSTM",
        summary="LSTM as the memory of PPO",
        recipes={
            "associative_recall": Recipe(model={"units": 128}, train=_RECALL),
            "repeat_copy": Recipe(model={"units": 128}, train=_REPEAT),
            "ngrams": Recipe(model={"units": 128}, train=_PREDICT),
            "priority_sort": Recipe(model={"units": 128}, train=_SORT),
            "interactive": Recipe(model={"units": 128}, train=_ACT),
        },
        default=Recipe(model={"units": 128}, train=RewardConfig()),
    ),
    AgentSpec(
        name="ntm-ppo",
        entry="ntm_agents.ntm:NTM",
        summary="NTM as the memory of PPO",
        # The NTM's own options, without noise, which would change what actions were chosen by.
        recipes={
            "copy": Recipe(
                model=_NTM.recipe("copy").model,
                train=RewardConfig(lessons={"blank": 0.1}),
            ),
            # A feed-forward controller learns it in fewer sequences, as it does from right answers.
            "associative_recall": Recipe(
                model={**_NTM.recipe("associative_recall").model, "controller": "feedforward"},
                train=_RECALL,
            ),
            "repeat_copy": Recipe(
                model={**_NTM_LSTM.recipe("repeat_copy").model, "noise": 0.0},
                train=_REPEAT,
            ),
            "ngrams": Recipe(model=_NTM.recipe("ngrams").model, train=_PREDICT),
            "priority_sort": Recipe(model=_NTM.recipe("priority_sort").model, train=_SORT),
            "interactive": Recipe(train=_ACT),
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
        name="uniform",
        entry="ntm_baselines.reference:Uniform",
        summary="uniform guesses; of bits, fair coin flips",
        learns=False,
    ),
    AgentSpec(
        name="reference",
        entry="ntm_baselines.reference:reference",
        summary="a good agent, of tasks that have no oracle",
        learns=False,
    ),
)
