"""The Neural Turing Machine as the memory of PPO."""

from __future__ import annotations

from ntm_agents.recipes import ntm, ntm_lstm
from ntm_agents.spec import AgentSpec, Recipe
from ntm_baselines.learners.ppo import PPOConfig
from ntm_baselines.recipes.rewards import ACT, PREDICT, RECALL, REPEAT, SORT

ROW = AgentSpec(
    name="ntm-ppo",
    entry="ntm_agents:ExtendedNTM",
    summary="NTM as the memory of PPO, extended for NGrams and PrioritySort",
    # The NTM's own options, without noise, which would change the probabilities that actions had.
    recipes={
        "copy": Recipe(
            model=ntm.ROW.recipe("copy").model,
            learner="ppo",
            train=PPOConfig(task_overrides={"blank": 0.1}),
        ),
        # A feed-forward controller learns it in fewer sequences, as it does from targets.
        "associative_recall": Recipe(
            model={**ntm.ROW.recipe("associative_recall").model, "controller": "feedforward"},
            learner="ppo",
            train=RECALL,
        ),
        "repeat_copy": Recipe(
            model={**ntm_lstm.ROW.recipe("repeat_copy").model, "controller_noise": 0.0},
            learner="ppo",
            train=REPEAT,
        ),
        "ngrams": Recipe(model=ntm.ROW.recipe("ngrams").model, learner="ppo", train=PREDICT),
        "priority_sort": Recipe(model=ntm.ROW.recipe("priority_sort").model, learner="ppo", train=SORT),
        "interactive": Recipe(learner="ppo", train=ACT),
    },
    default=Recipe(learner="ppo", train=PPOConfig()),
)
