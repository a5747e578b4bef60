"""Checks that every trainer makes before a run begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TypeVar

import torch

from ntm_envs.tasks import Task

T = TypeVar("T", bound=Task)


class NonFiniteError(Exception):
    """Loss, gradient or weights that are not finite, so that training cannot continue."""


def with_overrides(task: T, overrides: Mapping[str, float]) -> T:
    """Return a task with the parameters that have other values in training.

    Raises:
        ValueError: If it has no such parameter, or the value changes its channels.
    """
    for name in overrides:
        if name not in (field.name for field in fields(task)):
            raise ValueError(f"task_overrides has {name!r}; expected a parameter of the task: {task}")
    changed = replace(task, **overrides)
    if (changed.input_channels, changed.output_channels) != (task.input_channels, task.output_channels):
        raise ValueError(
            f"task_overrides has {dict(overrides)}, which changes the channels; expected the same ones"
        )
    return changed


def torch_device(name: str) -> torch.device:
    """Return a device by its name, with its number.

    Raises:
        ValueError: If torch cannot use it.
    """
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {name!r}, which torch cannot use: {error}") from error
