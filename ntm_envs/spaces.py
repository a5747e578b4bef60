"""Arguments, options and observation spaces, shared by the single and the vector environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ntm_envs import keyed, tasks
from ntm_envs.tasks import InteractiveTask, Size, Task
from ntm_envs.tasks.sizes import Integers, is_whole

LARGEST_GIB = 16
"""Largest memory of the episodes that all rows play at the same time, so that mistakes fail at once."""


def resolve(task: str | Task, arguments: Mapping[str, Any], num_envs: int) -> tuple[Task, dict[str, Size]]:
    """Return the task and the sizes that the arguments of an environment describe.

    Args:
        task: A task, or a name from the task table. A name makes the training range the default sizes.
        arguments: Sizes of episodes and, if `task` is a name, parameters of the task.
        num_envs: Number of environments.

    Raises:
        TypeError: If an argument is unknown, or a size is missing (which a name never requires).
        ValueError: If a value is out of range.
    """
    if not is_whole(num_envs) or num_envs < 1:
        raise ValueError(f"num_envs is {num_envs!r}; expected an integer of at least 1")
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
    if not isinstance(task, Task):
        raise TypeError(f"task is {task!r}; expected a task or the name of one")
    sizes |= arguments
    for name, (low, _) in task.check_sizes(sizes, None).items():
        if low.ndim:
            raise ValueError(
                f"{name} is the array {sizes[name]!r}; expected an integer or a range (low, high), for all "
                f"episodes (reset(options={{{name!r}: ..}}) takes an array, one size per row)"
            )
    _check_memory(task, sizes, num_envs)
    return task, sizes


def as_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of the options of `reset`.

    Raises:
        TypeError: If the options are neither a mapping nor None.
    """
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options is {options!r}; expected a dictionary with a key or sizes, or None")
    return dict(options or {})


def requested(
    task: Task, sizes: Mapping[str, Size], options: Mapping[str, Any], num_envs: int, rows: Integers
) -> tuple[keyed.Keys | None, dict[str, Size]]:
    """Return the keys ``[n]`` and the sizes of the episodes that options of `reset` request.

    Args:
        task: The task.
        sizes: Sizes of the environment, which those of the options replace.
        options: A `key` and sizes. A list or an array holds one integer for each environment; an integer,
            or a range ``(low, high)`` in a tuple, holds for all of them.
        num_envs: Number of environments.
        rows: Indices ``[n]`` of the environments that are reset.

    Raises:
        TypeError: If an option is unknown or of the wrong type.
        ValueError: If an option has the wrong shape or is out of range.
    """
    if not options:  # the usual reset, and the sizes were checked when the environment was made
        return None, {}
    chosen: dict[str, Any] = {}
    for name, value in options.items():
        by_row = list | tuple | range if name == "key" else list  # a tuple of sizes is a range
        if isinstance(value, by_row) and not all(is_whole(item) and abs(item) < 2**63 for item in value):
            raise TypeError(f"options[{name!r}] is {value}; expected integers of at most 63 bits")
        if isinstance(value, by_row) or (isinstance(value, np.ndarray) and value.ndim):
            if np.shape(value) != (num_envs,):
                raise ValueError(
                    f"options[{name!r}] has the shape {np.shape(value)}; expected ({num_envs},), one value "
                    "per row, or one integer for all rows (a range is a tuple)"
                )
            value = np.asarray(value)[rows]
        chosen[name] = value
    keys = None
    if "key" in chosen:
        keys = np.broadcast_to(keyed.as_keys(chosen.pop("key")), len(rows))
    every = {**sizes, **chosen}
    task.check_sizes(every, len(rows))
    _check_memory(task, every, num_envs)
    return keys, chosen


def _check_memory(task: Task, sizes: Mapping[str, Size], rows: int) -> None:
    """Raise a ValueError if the longest episodes of the given sizes need too much memory."""
    steps = task.steps(**sizes)
    if (needed := rows * steps * task.step_bytes / 2**30) > LARGEST_GIB:
        raise ValueError(
            f"episodes of up to {steps} steps, {rows} at a time, need {needed:.0f} GiB of memory; "
            f"expected at most {LARGEST_GIB} (choose smaller sizes, fewer environments or fewer channels)"
        )


def check_reveal(task: Task, reveal_target: bool) -> None:
    """Check that a task has the targets that `reveal_target` asks for.

    Raises:
        TypeError: If `reveal_target` is not a bool.
        ValueError: If `reveal_target` is true and the task is interactive.
    """
    if not isinstance(reveal_target, bool | np.bool_):
        raise TypeError(f"reveal_target is {reveal_target!r}; expected True or False")
    if reveal_target and isinstance(task, InteractiveTask):
        raise ValueError(
            f"reveal_target is True, but {type(task).__name__} is interactive and has no targets; "
            "expected False"
        )


def observation_space(task: Task) -> spaces.Space[NDArray[np.float32]]:
    """Return the space of an observation ``[I]``. It depends only on the task, never on the sizes."""
    low, high = task.input_bounds
    return spaces.Box(low, high, dtype=np.float32)
