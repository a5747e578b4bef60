"""The Neural Turing Machine with an LSTM as controller on every task."""

from __future__ import annotations

from ntm_agents.recipes.ntm import DEFAULT, WITH_LSTM
from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

ROW = AgentSpec(
    name="ntm-lstm",
    entry="ntm_agents:ExtendedNTM",
    summary="NTM with an LSTM controller, extended for NGrams, PrioritySort and by default",
    recipes={
        # The roles of the heads are those of the feed-forward machine. With orthogonal weights two of ten
        # seeds did not learn Copy.
        "copy": Recipe(
            model={
                "orthogonal_init": False,
                "gate_bias": -3.0,
                "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 0.0),
                "controller_noise": 0.3,
            },
            train=TrainConfig(sequences=32_000, penalty=0.02, task_overrides={"blank": 0.1}),
        ),
        # The reader looks up the start and loops over the sequence; the LSTM's cells count.
        "repeat_copy": Recipe(
            model={
                "hidden_size": 64,
                "controller_noise": 0.2,
                "gate_bias": (-4.0, -1.0),
                "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 2.0),
                "strength_bias": (0.0, 4.0),
                "sharpening_bias": (1.0, -4.0),
            },
            train=TrainConfig(
                sequences=80_000,
                batch_size=16,
                mixed_sizes=True,
                task_overrides={"blank": 0.1},
                curriculum={"repeats": 3},
                max_grad_norm=0.2,
                decay_start=0.4,
            ),
        ),
        **WITH_LSTM,
    },
    default=DEFAULT,
)
