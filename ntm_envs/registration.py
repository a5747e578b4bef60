"""Registers the environment of every row of the task table with Gymnasium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym

if TYPE_CHECKING:
    from ntm_envs.tasks import TaskSpec


def register_env(row: TaskSpec) -> None:
    """Register the environment of a task, single and vectorised, under its id."""
    gym.register(
        id=row.env_id,
        entry_point="ntm_envs.env:SequenceEnv",
        vector_entry_point="ntm_envs.vector_env:SequenceVectorEnv",
        kwargs={"task": row.name},
    )
