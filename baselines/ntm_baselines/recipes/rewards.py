"""Settings that recipes of agents that learn from rewards share, each with its reason. It has no row."""

from __future__ import annotations

from ntm_baselines.learners.ppo import PPOConfig

RECALL = PPOConfig(sizes={"items": (5, 6)}, task_overrides={"near_misses": 0.3})
"""AssociativeRecall: near misses teach to compare all bits."""
REPEAT = PPOConfig(
    task_overrides={"blank": 0.1},
    curriculum={"repeats": 1},
    curriculum_end=0.35,
    total_timesteps=4_000_000,
    max_grad_norm=0.1,
)
"""RepeatCopy is first learnt like Copy: to output a sequence once, and then the end marker."""
PREDICT = PPOConfig(total_timesteps=4_000_000, n_steps=200, batch_size=1600)
"""NGrams: a rollout is made of whole sequences, so that early counts learn from late predictions."""
SORT = PPOConfig(
    total_timesteps=4_000_000, sizes={"length": (2, 20)}, curriculum={"length": 5}, batch_size=2048
)
"""PrioritySort: short lists first."""
ACT = PPOConfig(gamma=0.9)
"""Interactive tasks: an action determines later rewards."""
