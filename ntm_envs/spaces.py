"""What the environments share: their arguments and the space of observations."""

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
    """Return a task and the sizes of its episodes from the arguments of an environment.

    Args:
        task: A task, or a name from the table, whose training range is then the default.
        arguments: Sizes and, with a name, parameters of the task.

    Raises:
        TypeError: If an argument is unknown, or a size of a task that is given as an object is missing.
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
            if name not in task.limits:  # in Python's words, by which others know that they may do without
                raise TypeError(
                    f"{row.env_id} got an unexpected keyword argument {name!r}; its sizes: "
                    f"{', '.join(task.limits)}; its parameters: {', '.join(sorted(known))}"
                )
    sizes |= arguments
    task.check_sizes(sizes, None)
    return task, sizes


def check_reveal(task: Task, reveal_target: bool) -> None:
    """Refuse to reveal targets that there are not.

    Raises:
        ValueError: If the task is interactive.
    """
    if reveal_target and isinstance(task, InteractiveTask):
        raise ValueError(
            f"reveal_target is True, but {type(task).__name__} is interactive and has no targets"
        )


def observation_space(task: Task) -> spaces.Space[NDArray[np.float32]]:
    """Return the space of an observation ``[I]``; it depends on the task alone, never on sizes."""
    low, high = task.input_bounds
    return spaces.Box(low, high, dtype=np.float32)
