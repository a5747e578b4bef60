"""The Neural Turing Machine as the memory of PPO."""

from __future__ import annotations

from ntm_agents.recipes import ntm, ntm_lstm
from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training.config import RewardConfig
from ntm_baselines.rewards import ACT, PREDICT, RECALL, REPEAT, SORT

ROW = AgentSpec(
    name="ntm-ppo",
    entry="ntm_agents:ExtendedNTM",
    summary="NTM as the memory of PPO, extended for NGrams and PrioritySort",
    # The NTM's own options, without noise, which would change what actions were chosen by.
    recipes={
        "copy": Recipe(
            model=ntm.ROW.recipe("copy").model,
            train=RewardConfig(task_overrides={"blank": 0.1}),
        ),
        # A feed-forward controller learns it in fewer sequences, as it does from right answers.
        "associative_recall": Recipe(
            model={**ntm.ROW.recipe("associative_recall").model, "controller": "feedforward"},
            train=RECALL,
        ),
        "repeat_copy": Recipe(
            model={**ntm_lstm.ROW.recipe("repeat_copy").model, "controller_noise": 0.0},
            train=REPEAT,
        ),
        "ngrams": Recipe(model=ntm.ROW.recipe("ngrams").model, train=PREDICT),
        "priority_sort": Recipe(model=ntm.ROW.recipe("priority_sort").model, train=SORT),
        "interactive": Recipe(train=ACT),
    },
    default=Recipe(train=RewardConfig()),
)
