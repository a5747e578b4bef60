"""Checks that every trainer makes, before a run begins and before weights are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import torch
from torch import nn

from ntm_envs.tasks import Task

T = TypeVar("T", bound=Task)


class NonFiniteError(Exception):
    """Loss, gradient or weights that are not finite, so that training cannot continue."""


def check_count(name: str, value: object) -> None:
    """Check a count that was read from a file.

    Raises:
        ValueError: If it is not an integer from 0 to 2 ** 63 - 1.
    """
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{name} is {value!r}; expected an integer from 0 to 2 ** 63 - 1")


def check_seconds(value: object) -> None:
    """Check a duration that was read from a file.

    Raises:
        ValueError: If it is not a finite number, or below 0.
    """
    if type(value) not in (int, float) or not 0 <= value < math.inf:  # type: ignore[operator]
        raise ValueError(f"seconds is {value!r}; expected a finite number, at least 0")


def with_overrides(task: T, overrides: Mapping[str, Any], owner: str = "task_overrides") -> T:
    """Return a task with the parameters that have other values in training.

    Args:
        task: The task.
        overrides: Values by parameter.
        owner: Name of what has them, for messages.

    Raises:
        ValueError: If it has no such parameter, or the value changes its channels.
    """
    for name in overrides:
        if name not in (field.name for field in fields(task)):
            raise ValueError(f"{owner} has {name!r}; expected a parameter of the task: {task}")
    changed = replace(task, **overrides)
    if (changed.input_channels, changed.output_channels) != (task.input_channels, task.output_channels):
        raise ValueError(f"{owner} has {dict(overrides)}, which changes the channels; expected the same ones")
    return changed


def check_finite(model: nn.Module, position: str) -> None:
    """Check that all weights are finite: an update may overflow although loss and gradient are finite.

    Args:
        model: The model or its averaged copy; an average is finite only if all that went into it was.
        position: The position of the run, for the message, such as ``after 10 updates``.

    Raises:
        NonFiniteError: If a weight is not finite.
    """
    for name, weights in model.named_parameters():
        if not weights.isfinite().all():
            raise NonFiniteError(
                f"the weights {name} are not finite {position}; a smaller learning_rate or max_grad_norm may "
                "help"
            )


def check_penalty(model: nn.Module, options: Mapping[str, Any]) -> None:
    """Check that a model's own penalty or auxiliary loss goes with the options of its training.

    Args:
        model: The model.
        options: `penalty` and `compile`.

    Raises:
        ValueError: If it does not.
    """
    kind = type(model).__name__
    if getattr(model, "with_auxiliary_loss", None) is not None:
        for name, value in options.items():
            if value:
                raise ValueError(
                    f"{name} is {value}, but {kind} has an auxiliary loss, which it would replace; use "
                    f"{type(value)()}"
                )
    if options["penalty"] and not hasattr(model, "with_penalty"):
        raise ValueError(f"penalty is {options['penalty']}, but {kind} has no with_penalty; use 0")


def torch_device(name: str) -> torch.device:
    """Return a device by its name, with its number.

    Raises:
        ValueError: If torch cannot use it.
    """
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {name!r}, which torch cannot use: {error}") from error
