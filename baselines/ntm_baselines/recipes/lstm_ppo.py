"""The LSTM as the memory of PPO."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.recipes.rewards import ACT, PREDICT, RECALL, REPEAT, SORT

ROW = AgentSpec(
    name="lstm-ppo",
    entry="ntm_baselines:LSTM",
    summary="LSTM as the memory of PPO",
    recipes={
        "associative_recall": Recipe(model={"hidden_size": 128}, learner="ppo", train=RECALL),
        "repeat_copy": Recipe(model={"hidden_size": 128}, learner="ppo", train=REPEAT),
        "ngrams": Recipe(model={"hidden_size": 128}, learner="ppo", train=PREDICT),
        "priority_sort": Recipe(model={"hidden_size": 128}, learner="ppo", train=SORT),
        "interactive": Recipe(model={"hidden_size": 128}, learner="ppo", train=ACT),
    },
    default=Recipe(model={"hidden_size": 128}, learner="ppo", train=PPOConfig()),
)
