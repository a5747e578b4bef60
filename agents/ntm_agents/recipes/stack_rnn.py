"""The Stack-RNN."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING
from ntm_agents.spec import AgentSpec, Recipe

TRAINING = replace(DEFAULT_TRAINING, bucket_size=16, learning_rate=1e-3)
"""Training options of `ROW`."""

# Not tuned. Half of the units of Deletang et al. (2023), for speed; the rest of the training is that of the
# NTM's default recipe, with smaller steps.
ROW = AgentSpec(
    name="stack-rnn",
    entry="ntm_agents:StackRNN",
    summary="recurrent network with stacks (Joulin & Mikolov 2015, Deletang et al. 2023)",
    default=Recipe(
        model={"hidden_size": 128},
        train=TRAINING,
    ),
)
