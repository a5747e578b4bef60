"""The Tape-RNN whose heads may jump by the length of the input."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.tape_rnn import DEFAULT, TRAINING
from ntm_agents.spec import AgentSpec, Recipe

ROW = AgentSpec(
    name="tape-rnn-jump",
    entry="ntm_agents:TapeRNN",
    summary="Tape-RNN (Deletang et al. 2023) whose heads may jump by the length of the input",
    recipes={
        # Two tapes, so that one head can wait while the other reads to the end. An LSTM keeps what it needs
        # to know in the meantime: on DuplicateString up to length 10, it learns both copies in 14,000
        # sequences, and a plain network the first one alone in as many. Short inputs first; and no rollback,
        # as validations at the largest size get worse while short inputs are learnt. No training with all of
        # this has been completed yet.
        "formal": Recipe(
            model={
                "controller": "lstm",
                "hidden_size": 64,
                "tapes": 2,
                "input_length": "answer",
                "action_bias": (0.0, 0.0, 3.0, 0.0, 0.0),
            },
            train=replace(
                TRAINING,
                learning_rate=5e-3,
                rollback=None,
                privileges=("input_length",),
            ),
        ),
    },
    default=DEFAULT,  # without jumps, as other tasks may have no flag that ends the input
)
