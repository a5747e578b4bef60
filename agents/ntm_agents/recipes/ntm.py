"""The Neural Turing Machine, with the controller that suits each task."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import TrainConfig

WITH_LSTM = {
    # Biases give the heads roles: a writer and a reader behind it shift onward, another looks up.
    # Its weighting must not be sharpened at first, or what it finds, spread over many slots, is lost
    # beside the one slot that it comes from, and with it the gradient; and its gate must let what it
    # found survive the steps to the answer. Near misses teach to compare all bits.
    "associative_recall": Recipe(
        model={
            "read_heads": 2,
            "memory_init_scale": 0.0,
            "gate_bias": (-6.0, -6.0, -1.0),
            "shift_bias": (0.0, 0.0, 6.0, 0.0, 0.0, 6.0, 0.0, 0.0, 4.0),
            "sharpening_bias": (1.0, 1.0, -4.0),
        },
        train=TrainConfig(
            sequences=48_000,
            sizes={"items": (5, 6)},
            task_overrides={"near_misses": 0.3},
            validation_sequences=256,
        ),
    ),
    # A table of counts: the last five bits are the key, slots differ from the start, and the next bit
    # is added to the slot that was read before it. Nothing is erased, so that nothing is forgotten.
    "ngrams": Recipe(
        model={
            "hidden_size": 48,
            "memory_slots": 64,
            "memory_width": 12,
            "memory_init": "position",
            "read_feedback": False,
            "followers": 1,
            "output_hidden_size": 32,
            "gate_bias": 4.0,
            "shift_bias": (0.0, 4.0, 0.0),
            "erase_bias": -12.0,
        },
        train=TrainConfig(
            sequences=40_000,
            batch_size=16,
            bucket_size=16,
            validation_sequences=256,
        ),
    ),
    # A selection sort: one head writes the list down, the reader looks up the largest priority, which
    # alone is compared with keys, and the second writer deletes what was read. Near ties are rare in
    # short lists, so in the end no list is short. If deleted slots are found again, it goes back.
    "priority_sort": Recipe(
        model={
            "hidden_size": 64,
            "memory_width": 12,
            "memory_init_scale": 0.0,
            "key_width": 2,
            "epsilon": 1.0,
            "write_heads": 2,
            "followers": 1,
            "order": "read_first",
            "skip_connection": True,
            "read_feedback": False,
            "gate_bias": (-4.0, 0.0, 4.0),
            "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0),
        },
        train=TrainConfig(
            sequences=600_000,
            batch_size=16,
            bucket_size=16,
            mixed_sizes=True,
            sizes={"length": (2, 20)},
            curriculum={"length": 5},
            curriculum_end=0.35,
            longest_from=0.6,
            decay_start=0.6,
            rollback=4.0,
            validate_every=8_000,
            validation_sequences=256,
        ),
    ),
}
"""Recipes of NTMs with an LSTM as controller, the best ones of their tasks."""

# Small batches, small steps and the way back to the best weights keep what was learnt.
STEADY = TrainConfig(
    sequences=64_000,
    batch_size=16,
    bucket_size=4,
    mixed_sizes=True,
    max_grad_norm=0.2,
    beta2=0.99,
    rollback=5.0,
)
"""Training options with which little that was learnt is lost; recipes of many machines build on them."""
SHORT_FIRST = replace(STEADY, bucket_size=16, initial_range=0.1, curriculum_end=0.3)
"""The same, for formal languages: short words first, in one bucket."""

# No size, and nothing about any task. Half of the batches begin with short sequences, without which
# RepeatCopy ends in a solution that cannot count; the other half are the largest from early on, without which
# long lists are not sorted. Gradients are nearly always scaled to the same norm, and their squares are soon
# forgotten, so that rare large ones undo less of what was learnt. Memories of random sizes keep solutions
# from depending on the number of slots.
DEFAULT_TRAINING = replace(
    STEADY,
    steps=6_000_000,
    initial_range=0.2,
    curriculum_end=0.1,
    alternate_from=0.05,
    decay_start=0.4,
    max_grad_norm=0.05,
    beta2=0.95,
    solved_loss=0.001,
    memory_doublings=1,
)
"""Training options for any task, and any model."""

DEFAULT = Recipe(
    # Heads with the roles that the recipes above need: a write head that shifts by one slot at each step, and
    # one that erases where the first read head is; a read head that looks up and stays, one that moves on
    # from what it has looked up, and one that shifts. Keys see half of a slot, so that the other half is no
    # noise to them. They begin sharp, and grow sharper with the memory; noise keeps small things from having
    # an effect that shows in long sequences only. A layer beside the logits turns what was read into log
    # odds. docs/one-recipe.md has what these did.
    model={
        "hidden_size": 64,
        "orthogonal_init": False,
        "controller_noise": 0.3,
        "write_heads": 2,
        "read_heads": 3,
        "followers": 1,
        "erasers": 1,
        "erase_limit": 2.0,
        "erase_bias": -4.0,
        "order": "read_first",
        "skip_connection": True,
        "memory_width": 16,
        "key_width": 8,
        "memory_init_scale": 0.0,
        "epsilon": 1.0,
        "gate_bias": (-4.0, 0.0, 4.0, -1.0, -4.0),
        "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 4.0),
        "sharpening_bias": (1.0, 0.0, 0.0, -4.0, 0.0),
        "strength_bias": (0.0, 0.0, 4.0, 4.0, 0.0),
        "strength_growth": True,
        "output_hidden_size": 32,
        "output_shortcut": True,
    },
    # Many updates, steps that become smaller where they were too large, and memories that are nearly full.
    train=replace(
        DEFAULT_TRAINING,
        batch_size=8,
        bucket_size=8,
        rollback_rate=0.8,
        memory_sizes="all",
    ),
)
"""The recipe of tasks without one of their own."""

ROW = AgentSpec(
    name="ntm",
    entry="ntm_agents:ExtendedNTM",
    summary="Neural Turing Machine (Graves et al. 2014), extended for NGrams, PrioritySort and by default",
    recipes={
        # Copy takes two passes through the memory. The writer begins by shifting onward; blank vectors must
        # not look like the end of the sequence.
        "copy": Recipe(
            model={"controller": "feedforward", "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 0.0)},
            train=TrainConfig(sequences=48_000, task_overrides={"blank": 0.1}),
        ),
        # Both heads shift, and never look up: the machine writes what it reads once more, further on, with
        # a tally of the repeats that are left. Repeats, harder to learn than lengths, grow, and soon: a
        # machine that outputs two or three for long learns a solution that cannot count further. So steps are
        # large at first, and a run that is lost goes back. Large steps destroy the exact solution as well, so
        # they begin to shrink soon; and one run in ten or so, which still outputs few repeats, starts anew.
        "repeat_copy": Recipe(
            model={
                "controller": "feedforward",
                "controller_noise": 0.05,
                "gate_bias": -60.0,
                "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 4.0),
                "sharpening_bias": (1.0, -4.0),
            },
            train=TrainConfig(
                sequences=80_000,
                batch_size=16,
                bucket_size=4,
                mixed_sizes=True,
                task_overrides={"blank": 0.1},
                curriculum={"repeats": 3},
                curriculum_end=0.19,
                learning_rate=5e-3,
                decay_start=0.3,
                max_grad_norm=0.05,
                beta2=0.99,
                rollback=4.0,
                restart_after=20_000,
                restart_loss=0.1,
            ),
        ),
        **WITH_LSTM,
    },
    default=DEFAULT,
)
