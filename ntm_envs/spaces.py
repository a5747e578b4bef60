"""Arguments and observation spaces, shared by the single and the vector environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ntm_envs import tasks
from ntm_envs.tasks import InteractiveTask, Size, Task


def resolve(task: str | Task, arguments: Mapping[str, Any]) -> tuple[Task, dict[str, Size]]:
    """Return the task and the sizes that the arguments of an environment describe.

    Args:
        task: A task, or a name from the task table. A name makes the training range the default sizes.
        arguments: Sizes of episodes and, if `task` is a name, parameters of the task.

    Raises:
        TypeError: If an argument is unknown, or a size is missing (which a name never requires).
        ValueError: If a value is out of range.
    """
    sizes: dict[str, Size] = {}
    if isinstance(task, str):
        row = tasks.spec(task)
        known = {field.name for field in dataclasses.fields(row.make())}
        task = row.make(**{name: arguments[name] for name in arguments if name in known})
        sizes |= row.training
        arguments = {name: arguments[name] for name in arguments if name not in known}
        for name in arguments:
            if name not in task.limits:  # Gymnasium recognises Python's own wording of this error
                raise TypeError(
                    f"{row.env_id} got an unexpected keyword argument {name!r}; expected a size "
                    f"({', '.join(task.limits)}) or a parameter ({', '.join(sorted(known))})"
                )
    sizes |= arguments
    task.check_sizes(sizes, None)
    return task, sizes


def check_reveal(task: Task, reveal_target: bool) -> None:
    """Check that a task has the targets that `reveal_target` asks for.

    Raises:
        ValueError: If `reveal_target` is true and the task is interactive.
    """
    if reveal_target and isinstance(task, InteractiveTask):
        raise ValueError(
            f"reveal_target is True, but {type(task).__name__} is interactive and has no targets; "
            "expected False"
        )


def observation_space(task: Task) -> spaces.Space[NDArray[np.float32]]:
    """Return the space of an observation ``[I]``. It depends only on the task, never on the sizes."""
    low, high = task.input_bounds
    return spaces.Box(low, high, dtype=np.float32)
