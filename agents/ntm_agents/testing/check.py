"""The order of the checks: first what a model is, then what it returns, computes and learns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ntm_agents.protocol import build, config_class
from ntm_agents.testing import behaviour, form, learning
from ntm_agents.testing.trial import ModelError, Trial, precise, words
from ntm_envs.tasks import Task


def check_model(
    model: Callable[..., nn.Module],
    *,
    input_size: int = 9,
    output_size: int = 8,
    config: Mapping[str, Any] | None = None,
    task: Task | None = None,
) -> None:
    """Check that a model implements :class:`ntm_agents.protocol.Model`.

    Trainers, evaluations and players can then use it in any of their ways. What it computes is compared in
    float64, where it can be, so that rounding hides no mistake; otherwise a warning says so.

    Args:
        model: Class of the model, or any function ``(input_size, output_size, **config) -> model``.
        input_size: Number of input channels I.
        output_size: Number of logits L.
        config: Options of the model; its defaults if None.
        task: Task to build the model for, whose sizes are then used; for one that has `for_task`.

    Raises:
        ModelError: At the first mistake; the message names the value that was found, the expected one, and
            a fix.
    """
    make = model
    if task is not None:
        input_size, output_size = task.input_size, task.output_size
        if hasattr(model, "for_task"):
            make = lambda input_size, output_size, **options: build(model, task, **options)  # noqa: E731
    options = dict(config or {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = _build(make, input_size, output_size, options)
        learning.check_parameters(built)
        learning.check_copied(built)
        made = dict(built.named_parameters())
        trial = Trial(built, input_size, output_size, torch.float32, torch.finfo(torch.float32).eps)
        with torch.no_grad():
            # Two batch sizes: a dimension that is equal to the batch by chance is so only once.
            for batch_size, capacity in ((3, 8), (5, 64), (1, 8)):
                form.check_shapes(trial, batch_size, capacity)
            learning.check_made(built, made)
            exact = precise(trial)
            with behaviour.weights_kept(exact):
                behaviour.check_state_kept(exact)
                behaviour.check_repeated(exact)
                behaviour.check_steps(exact)
                behaviour.check_rows(exact)
                behaviour.check_rows_apart(exact)
            form.check_capacity(trial)
            form.check_extras(trial)
            learning.check_saved(trial, _build(make, input_size, output_size, options))
        learning.check_training_mode(exact)
        learning.check_gradients(trial)
        learning.check_copied(built)
        learning.check_updates(trial)


def _build(model: Callable[..., nn.Module], input_size: int, output_size: int, config: Any) -> nn.Module:
    """Return a model, or raise the error that explains why there is none."""
    try:
        if inspect.isclass(model):
            config_class(model)
        built = model(input_size, output_size, **config)
    except Exception as error:
        raise ModelError(
            f"the model cannot be built as Model({input_size}, {output_size}, **{config}): {words(error)}. "
            "Expected: Model(input_size, output_size, **config), with a default value for every option"
        ) from error
    if not isinstance(built, nn.Module):
        raise ModelError(
            f"the model is of type {type(built).__name__}; expected a torch.nn.Module, so derive its class "
            "from torch.nn.Module"
        )
    for method, arguments in (("initial_state", "batch_size, capacity"), ("forward", "inputs, state")):
        if getattr(type(built), method, None) in (None, nn.Module.forward):
            raise ModelError(
                f"{type(built).__name__} has no method {method}; define {method}(self, {arguments})"
            )
    if not any(parameter.requires_grad for parameter in built.parameters()):
        raise ModelError(
            "the model has no parameters to train; assign its layers and parameters to attributes of self, "
            "layers of a list as torch.nn.ModuleList"
        )
    return built.eval()
