"""The Tape-RNN whose heads may jump by the length of the input."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import SHORT_FIRST
from ntm_agents.recipes.tape_rnn import DEFAULT
from ntm_agents.spec import AgentSpec, Recipe

ROW = AgentSpec(
    name="tape-rnn-jump",
    entry="ntm_agents:TapeRNN",
    summary="Tape-RNN (Deletang et al. 2023) whose heads may jump by the length of the input",
    recipes={
        # After a jump of n, the head has to be a step further on for a second copy; it can be, as it jumps
        # and steps at once. The head has to be sharp, as what it blurs at each step adds up: without the
        # penalty, a run on DuplicateString was exact to length 60, and wrong from 100 on (seed 630). No
        # rollback, as validations at the largest size get worse while short inputs are learnt.
        "formal": Recipe(
            model={
                "controller": "lstm",
                "hidden_size": 64,
                "input_length": "answer",
                "jump_and_step": True,
                "action_bias": (0.0, 0.0, 5.0, 5.0, 0.0, 0.0),
            },
            train=replace(
                SHORT_FIRST,
                sequences=20_000,
                learning_rate=5e-3,
                rollback=None,
                penalty=0.02,
                privileges=("input_length",),
            ),
        ),
    },
    default=DEFAULT,  # without jumps, as other tasks may have no flag that ends the input
)
