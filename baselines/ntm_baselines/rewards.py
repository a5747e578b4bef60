"""What recipes of agents that learn from rewards have in common."""

from __future__ import annotations

from ntm_agents.training.config import RewardConfig

RECALL = RewardConfig(sizes={"items": (5, 6)}, task_overrides={"near_misses": 0.3})
REPEAT = RewardConfig(
    task_overrides={"blank": 0.1},
    curriculum={"repeats": 1},
    curriculum_end=0.35,
    total_timesteps=4_000_000,
    max_grad_norm=0.1,
)
"""RepeatCopy is first learnt as Copy is: to say a sequence once, and then that it is over."""
PREDICT = RewardConfig(total_timesteps=4_000_000, n_steps=200, batch_size=1600)
"""NGrams: a rollout is of whole sequences, so that early counts learn from what is said late."""
SORT = RewardConfig(
    total_timesteps=4_000_000, sizes={"length": (2, 20)}, curriculum={"length": 5}, batch_size=2048
)
ACT = RewardConfig(gamma=0.9)
"""Interactive tasks: what is done now decides what can be earned later."""
