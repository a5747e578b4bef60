"""The Neural Turing Machine whose readers may jump to the start of the memory."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

ROW = AgentSpec(
    name="ntm-jump",
    entry="ntm_agents:JumpNTM",
    summary="NTM whose read heads may jump to the first slot, with a counter of jumps (not in the paper)",
    recipes={
        # The writer leaves a mark at the last vector; the reader shifts, and jumps where it reads the
        # mark. The counter, set to minus the repeats and up by one a jump, identifies the last jump.
        # The other ways to go round, which do not carry further, are closed: there is no look-up, and
        # nothing that was read is written once more. Noise on gates and counter makes them exact.
        "repeat_copy": Recipe(
            model={
                "controller": "feedforward",
                "read_feedback": False,
                "controller_noise": 0.1,
                "gate_bias": -60.0,
                "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 2.0),
                "sharpening_bias": (1.0, -4.0),
                "jump_noise": 1.0,
                "signal_channels": ("delimiter",),
                "counter_channels": ("count",),
                "counter_bias": -0.5,
                "counter_noise": 0.2,
            },
            train=TrainConfig(
                sequences=96_000,
                batch_size=16,
                mixed_sizes=True,
                task_overrides={"blank": 0.1},
                max_grad_norm=0.2,
                beta2=0.99,
                epsilon=1e-4,
                penalty=0.02,
                restart_after=10_000,
                restart_loss=0.3,
                privileges=("task_channels",),
            ),
        ),
    },
    default=Recipe(train=TrainConfig(sequences=64_000, mixed_sizes=True)),
)
