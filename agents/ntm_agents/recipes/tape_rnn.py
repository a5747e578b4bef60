"""The Tape-RNN, without jumps."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes import stack_rnn
from ntm_agents.spec import AgentSpec, Recipe

# Not tuned: the training is that of the Stack-RNN, with larger steps. Heads begin by moving to the right,
# which keeps all of the input; without it, a trial on DuplicateString learnt nothing in 12,000 sequences.
TRAINING = replace(stack_rnn.TRAINING, learning_rate=3e-3)
"""Training options of `DEFAULT`."""
DEFAULT = Recipe(
    model={"hidden_size": 128, "action_bias": (0.0, 0.0, 3.0)},
    train=TRAINING,
)

ROW = AgentSpec(
    name="tape-rnn",
    entry="ntm_agents:TapeRNN",
    summary="recurrent network with tapes (Deletang et al. 2023), without jumps",
    default=DEFAULT,
)
