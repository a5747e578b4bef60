"""The Stack-RNN."""

from __future__ import annotations

from dataclasses import replace

from ntm_agents.recipes.ntm import DEFAULT_TRAINING, SHORT_FIRST
from ntm_agents.spec import AgentSpec, Recipe

TRAINING = replace(DEFAULT_TRAINING, bucket_size=16, learning_rate=1e-3)
"""Training options of the default recipe."""
ROW = AgentSpec(
    name="stack-rnn",
    entry="ntm_agents:StackRNN",
    summary="recurrent network with stacks (Joulin & Mikolov 2015, Deletang et al. 2023)",
    recipes={
        # A stack is used only if the controller does not do without it first. On ReverseString (seeds 600 to
        # 604 and 2128), smaller steps than 3e-3 and LSTMs end in networks that fail right above length 40;
        # with orthogonal weights, StackManipulation was not learnt. Steps of 6e-3 learnt nothing.
        "formal": Recipe(
            model={"hidden_size": 128, "orthogonal_init": False},
            train=replace(SHORT_FIRST, sequences=60_000, learning_rate=5e-3),
        ),
    },
    # Not tuned. Half of the units of Deletang et al. (2023), for speed; the rest of the training is that of
    # the NTM's default recipe, with smaller steps.
    default=Recipe(model={"hidden_size": 128}, train=TRAINING),
)
