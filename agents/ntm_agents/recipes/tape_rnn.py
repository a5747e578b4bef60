"""The Tape-RNN, without jumps."""

from __future__ import annotations

from ntm_agents.recipes import stack_rnn
from ntm_agents.spec import AgentSpec

# Not tuned: size and training are those of the Stack-RNN.
ROW = AgentSpec(
    name="tape-rnn",
    entry="ntm_agents:TapeRNN",
    summary="recurrent network with tapes (Deletang et al. 2023), without jumps",
    default=stack_rnn.ROW.default,
)
