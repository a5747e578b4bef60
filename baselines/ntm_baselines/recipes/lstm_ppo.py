"""The LSTM as the memory of PPO."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig
from ntm_baselines.rewards import ACT, PREDICT, RECALL, REPEAT, SORT

ROW = AgentSpec(
    name="lstm-ppo",
    entry="ntm_baselines:LSTM",
    summary="LSTM as the memory of PPO",
    recipes={
        "associative_recall": Recipe(model={"hidden_size": 128}, train=RECALL),
        "repeat_copy": Recipe(model={"hidden_size": 128}, train=REPEAT),
        "ngrams": Recipe(model={"hidden_size": 128}, train=PREDICT),
        "priority_sort": Recipe(model={"hidden_size": 128}, train=SORT),
        "interactive": Recipe(model={"hidden_size": 128}, train=ACT),
    },
    default=Recipe(model={"hidden_size": 128}, train=RewardConfig()),
)
