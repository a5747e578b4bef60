"""The Differentiable Neural Computer."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING, STEADY
from ntm_agents.spec import AgentSpec, Recipe

# The interface sees inputs and last read vectors, and the first key starts as the written vector does, so
# that a part of what was written finds the whole. Strong keys, as most slots are empty. What was found is
# followed by what was written next; sparse links are enough for that, and cheap in a large memory. Each
# vector goes to a free slot, and little is freed.
DEFAULT = Recipe(
    model={
        "hidden_size": 64,
        "memory_width": 16,
        "read_heads": 1,
        "links": 4,
        "skip_connection": True,
        "key_init": "chain",
        "strength_bias": 8.0,
        "mode_bias": (0.0, 1.0, 1.0),
        "free_gate_bias": -3.0,
        "allocation_gate_bias": 2.0,
        "write_gate_bias": 1.0,
    },
    train=DEFAULT_TRAINING,
)
"""The recipe of tasks without one of their own."""

ROW = AgentSpec(
    name="dnc",
    entry="ntm_agents:DNC",
    summary="Differentiable Neural Computer (Graves et al. 2016) with an LSTM controller",
    recipes={
        # A feed-forward controller has no state of its own that could drift in sequences longer than those of
        # training. With masks the mark of the start alone is looked up; blank vectors must not look like it.
        # Empty slots are left out, so that a look-up in an empty memory finds nothing, however large it is.
        # Links are sharpened, or the way along them blurs in long lists.
        "copy": Recipe(
            model={
                **DEFAULT.model,
                "controller": "feedforward",
                "masking": True,
                "link_sharpening": True,
                "least_usage": 0.01,
            },
            train=replace(STEADY, sequences=48_000, task_overrides={"blank": 0.1}),
        ),
        # The same, and the options that come with masks: what is counted has to be in the memory.
        "repeat_copy": Recipe(
            model={
                **DEFAULT.model,
                "controller": "feedforward",
                "masking": True,
                "deallocation": True,
                "link_sharpening": True,
            },
            train=replace(
                STEADY,
                sequences=96_000,
                task_overrides={"blank": 0.1},
                restart_after=28_000,
                restart_loss=0.4,
            ),
        ),
        # Where sparse links were slow to learn in trials, all of them were not. A run that has not found the
        # order of look-up and links by then starts anew.
        "associative_recall": Recipe(
            model={**DEFAULT.model, "links": None, "least_usage": 0.01},
            train=replace(STEADY, restart_after=20_000, restart_loss=0.5),
        ),
        # Keys and values are found by content alone. Orthogonal writes and strong keys tell apart keys that
        # differ in one bit, of which there are more in longer lists.
        "key_value_recall": Recipe(
            model={
                **DEFAULT.model,
                "controller": "feedforward",
                "memory_width": 32,
                "links": 0,
                "mode_bias": (),
                "least_usage": 0.01,
                "write_init": "orthogonal",
                "strength_bias": 15.0,
            },
            train=replace(STEADY, sequences=48_000),
        ),
        # A table of counts: slots are found by content, to be read as to be written. Nothing is erased or
        # freed, so that nothing is forgotten, and links would be of no use.
        "ngrams": Recipe(
            model={
                "hidden_size": 64,
                "memory_slots": 64,
                "memory_width": 16,
                "read_heads": 2,
                "links": 0,
                "strength_bias": 4.0,
                "free_gate_bias": -8.0,
                "allocation_gate_bias": -2.0,
                "write_gate_bias": 1.0,
                "erase_bias": -12.0,
            },
            train=replace(STEADY, sequences=96_000),
        ),
        # The next priority is looked up, so links would be of no use. With masks the priority alone is
        # compared, and what was read is erased, so that it is not found again. Short lists first, but soon as
        # many of the longest, as near ties are rare in short ones.
        "priority_sort": Recipe(
            model={**DEFAULT.model, "links": 0, "mode_bias": (), "masking": True, "deallocation": True},
            train=replace(
                STEADY,
                sequences=200_000,
                initial_range=0.2,
                curriculum_end=0.2,
                alternate_from=0.1,
                validate_every=8_000,
            ),
        ),
        # Three heads, so that what was found stays in view, from head to head, until it has to be answered.
        # A feed-forward controller, which has to keep the query in the memory, learns in half the examples.
        # The lessons of the paper inside the training range come first.
        "traversal": Recipe(
            model={
                **DEFAULT.model,
                "controller": "feedforward",
                "hidden_size": 28,
                "memory_width": 32,
                "read_heads": 3,
                "links": None,
                "least_usage": 0.01,
                "strength_bias": 10.0,
                "mode_bias": (0.0, 2.0, 0.0),
                "free_gate_bias": -5.0,
                "write_gate_bias": 2.0,
            },
            train=replace(STEADY, sequences=120_000, decay_start=0.6, use_lessons=True, last_lesson=4),
        ),
        # Relations are sequences of edges that have to be known by heart. So look-ups come first, with single
        # edges, then ten relations, then all of them, and larger graphs last. Edges differ in few digits: an
        # orthogonal map keeps what is written from looking alike by chance. In training the path is shown
        # during planning. To pass, 90 % of the answers have to be right, which is 73 % of the episodes. A
        # machine whose look-ups find the query itself, not the edge, does not pass the first: it starts anew.
        # Writes are bounded, as what was read is written again: memories would explode in longer episodes.
        "inference": Recipe(
            model={
                **DEFAULT.model,
                "controller": "feedforward",
                "hidden_size": 256,
                "memory_width": 96,
                "read_heads": 3,
                "links": 0,
                "mode_bias": (),
                "least_usage": 0.01,
                "write_init": "orthogonal",
                "write_activation": "tanh",
                "strength_bias": 15.0,
                "free_gate_bias": -5.0,
                "allocation_gate_bias": 4.0,
                "write_gate_bias": 3.0,
            },
            train=replace(
                STEADY,
                sequences=500_000,
                decay_start=0.94,
                task_overrides={"show_path": 1.0},
                use_lessons=True,
                last_lesson=14,
                lesson_pass=0.73,
                restart_after=16_000,
                restart_loss=0.1,
                restarts=5,
                max_grad_norm=0.05,
                rollback=3.0,
            ),
        ),
    },
    default=DEFAULT,
)
