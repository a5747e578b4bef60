"""Checks of the form of what a model returns: shapes, types and structure."""

from __future__ import annotations

import torch

from ntm_agents.protocol import State, preserved, tensors
from ntm_agents.testing.trial import CAPACITY, STEPS, ModelError, Trial, words


def check_shapes(trial: Trial, batch_size: int, capacity: int) -> None:
    """Check everything that is returned, for a sequence and for a single step."""
    state = trial.start(batch_size, capacity)
    _check_state(state, "initial_state", batch_size)
    for steps in (STEPS, 1):
        logits, after = trial.run(trial.inputs(steps, batch_size), preserved(trial.model, state))
        expected = (steps, batch_size, trial.output_size)
        if logits.shape != expected:
            raise ModelError(
                f"forward returned logits of the shape {tuple(logits.shape)} for inputs of the shape "
                f"{(steps, batch_size, trial.input_size)}; expected [T, B, L] = {expected}: time first, "
                "as many logits at every step as the task's answers need"
            )
        if logits.dtype != torch.float32:
            raise ModelError(
                f"forward returned logits of type {logits.dtype}; expected torch.float32, the type of "
                "its inputs, and logits, not answers or probabilities"
            )
        _check_state(after, "forward", batch_size)
        _check_same_form(state, after)
        for name, tensor in [("logits", logits), *tensors(after)]:
            if not tensor.isfinite().all():
                raise ModelError(
                    f"{name} of an untrained model are not finite, after {steps} steps; expected finite "
                    "numbers: look for a division by zero, a logarithm or root of 0, or memory that is "
                    "not initialised"
                )


def check_capacity(trial: Trial) -> None:
    """Check that as many steps can be taken as the capacity promises, for small ones too."""
    for capacity in (1, 2, CAPACITY):
        trial.run(trial.inputs(capacity, 3), trial.start(3, capacity))


def check_extras(trial: Trial) -> None:
    """Check the optional methods `with_penalty` and `trace`."""
    inputs, state = trial.inputs(STEPS, 3), trial.start(3, CAPACITY)
    logits, after = trial.run(inputs, preserved(trial.model, state))
    if (with_penalty := getattr(trial.model, "with_penalty", None)) is not None:
        try:
            again, penalty = with_penalty(inputs, preserved(trial.model, state))
            shape, difference = tuple(penalty.shape), trial.difference(again, logits)
        except Exception as error:
            raise ModelError(
                f"with_penalty failed: {words(error)}. Expected a tuple of two, the logits [T, B, L] "
                "and the penalty; or remove it"
            ) from error
        if shape or difference or not penalty.isfinite():
            raise ModelError(
                f"with_penalty returned the penalty {penalty}, and logits that differ by "
                f"{difference:.2g} from those of forward; expected one finite number, as a tensor "
                "without dimensions, and the same logits"
            )
    if (trace := getattr(trial.model, "trace", None)) is None:
        return
    for when in (after, state):
        try:
            shapes = {name: tuple(tensor.shape) for name, tensor in trace(when).items()}
        except Exception as error:
            raise ModelError(
                f"trace failed: {words(error)}. Expected a dictionary of tensors, for the state at the start "
                "as well; or remove it"
            ) from error
        for name, shape in shapes.items():
            dimensions = 3 if name == "memory" or name.endswith("weighting") else len(shape)
            if shape[:1] != (3,) or len(shape) != dimensions:
                raise ModelError(
                    f"trace returned {name!r} with the shape {shape} for a batch of 3; expected the "
                    "batch in dimension 0: weightings [B, heads, N], under names that end so, the memory "
                    "[B, N, M], and any other tensors to show"
                )


def _check_state(state: State, method: str, batch_size: int) -> None:
    """Check that a state is made of tensors, each with the batch in dimension 0."""
    try:
        parts = list(tensors(state))
    except TypeError as error:
        raise ModelError(
            f"{method} returned a state that is not made of tensors: {error}, nested as you like"
        ) from error
    for name, tensor in parts:
        if tensor.ndim == 0 or tensor.shape[0] != batch_size:
            raise ModelError(
                f"{method} returned {name} with the shape {tuple(tensor.shape)} for a batch of "
                f"{batch_size}; expected the batch in dimension 0. The states of torch.nn.GRU and LSTM "
                "have it in dimension 1: transpose them on their way in and out"
            )


def _check_same_form(before: State, after: State) -> None:
    """Check that a state has the same form after forward as before."""
    forms = [
        [f"{name} {tensor.dtype} {tuple(tensor.shape)}" for name, tensor in tensors(state)]
        for state in (before, after)
    ]
    if forms[0] != forms[1]:
        grown = len(forms[0]) == len(forms[1]) and any(
            new.numel() > old.numel()
            for (_, old), (_, new) in zip(tensors(before), tensors(after), strict=True)
        )
        raise ModelError(
            f"forward was given the state {forms[0]} and returned {forms[1]}; expected the same tensors "
            "in the same order, with the same shapes and types"
            + (
                ". In place of a cache that grows, let initial_state make one of `capacity` slots, with the "
                "position of each row [B], write each step into its slot, and mask the slots that are still "
                "empty: docs/own-model.md has such a Transformer"
                if grown
                else ""
            )
        )
