"""The Tape-RNN, without jumps."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes import stack_rnn
from ntm_agents.recipes.ntm import SHORT_FIRST
from ntm_agents.spec import AgentSpec, Recipe

# Not tuned: the training is that of the Stack-RNN, with larger steps. Heads begin by moving to the right,
# which keeps all of the input; without it, a trial on DuplicateString learnt nothing in 12,000 sequences.
DEFAULT = Recipe(
    model={"hidden_size": 128, "action_bias": (0.0, 0.0, 3.0)},
    train=replace(stack_rnn.TRAINING, learning_rate=3e-3),
)

ROW = AgentSpec(
    name="tape-rnn",
    entry="ntm_agents:TapeRNN",
    summary="recurrent network with tapes (Deletang et al. 2023), without jumps",
    recipes={
        # A GRU in place of the paper's network, as it can learn parity, which is all that MissingDuplicate
        # needs: three of five fresh seeds are right to ten times the length (2158 to 2162); a trial with an
        # LSTM was not (620). The penalty keeps heads sharp.
        "formal": Recipe(
            model={"controller": "gru", "hidden_size": 96, "action_bias": (0.0, 0.0, 5.0)},
            train=replace(SHORT_FIRST, sequences=60_000, learning_rate=3e-3, penalty=0.02),
        ),
    },
    default=DEFAULT,
)
