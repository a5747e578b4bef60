"""Registration of environments with Gymnasium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym

if TYPE_CHECKING:
    from ntm_envs.tasks import TaskSpec


def register_env(row: TaskSpec, task: str) -> None:
    """Register the single and the vector environment of a task under its id.

    Args:
        row: The row of the task.
        task: The name or the reference by which environments look the row up.
    """
    kwargs = {"task": task}
    if row.env_id in gym.registry and gym.registry[row.env_id].kwargs == kwargs:
        return  # the row is another version of the one before
    gym.register(
        id=row.env_id,
        entry_point="ntm_envs.env:SequenceEnv",
        vector_entry_point="ntm_envs.vector_env:SequenceVectorEnv",
        kwargs=kwargs,
    )
