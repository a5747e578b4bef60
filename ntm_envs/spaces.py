"""What the environments share: arguments, spaces, and the checks of what comes from outside.

Shape letters: B environments, I input channels, O output channels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ntm_envs import tasks
from ntm_envs.agent import Outputs
from ntm_envs.tasks.base import Bits, Size, Task


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


def observation_space(task: Task) -> spaces.Space[NDArray[np.float32]]:
    """Return the space of an observation ``[I]``; it depends on the task alone, never on sizes."""
    low, high = task.input_bounds
    return spaces.Box(low, high, dtype=np.float32)


def action_space(task: Task, actions: Outputs) -> spaces.Space[Any]:
    """Return the space of an action ``[O]``: bits, or the probability that each bit is 1.

    Raises:
        ValueError: If ``actions`` is neither ``bits`` nor ``probabilities``.
    """
    if actions == "bits":
        return spaces.MultiBinary(task.output_size)
    if actions == "probabilities":
        return spaces.Box(0, 1, (task.output_size,), np.float32)
    raise ValueError(f"actions is {actions!r}; expected 'bits' or 'probabilities'")


def check_bits(action: Any, shape: tuple[int, ...]) -> Bits:
    """Return an action of bits as int8.

    Args:
        action: Zeros and ones of any real type (Stable-Baselines3 sends float32).
        shape: The shape that it must have, ``(O,)`` or ``(B, O)``.

    Raises:
        ValueError: If the shape is another, or a value is neither 0 nor 1.
    """
    array = _real(action, shape)
    valid = (array == 0) | (array == 1)
    if not valid.all():
        raise ValueError(
            f"the action holds {array[~valid][0]}; expected 0 or 1 everywhere "
            '(actions="probabilities" takes values between)'
        )
    return array.astype(np.int8)


def check_probabilities(action: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an action of probabilities as an array; raises as :func:`check_bits` does."""
    array = _real(action, shape)
    valid = (array >= 0) & (array <= 1)
    if not valid.all():
        raise ValueError(f"the action holds {array[~valid][0]}; expected probabilities from 0 to 1")
    return array


def _real(action: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.asarray(action)
    if array.shape != shape:
        raise ValueError(f"the action has the shape {array.shape}; expected {shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"the action is of type {array.dtype}; expected real numbers")
    return array
