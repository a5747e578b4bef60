"""A model on trial: calls of its two methods, and differences beyond rounding."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ntm_agents.protocol import State

STEPS = 6  # of short sequences; no size of a trial is another's multiple or equal
CAPACITY = 8
LONG, LONG_CAPACITY = 13, 16


class ModelError(Exception):
    """A violation of :class:`ntm_agents.protocol.Model`; the message explains how to fix it."""


class Trial:
    """A model, its sizes, and the precision that it computes in.

    Args:
        model: The model.
        input_size: Number of input channels I.
        output_size: Number of logits L.
        dtype: Type of its inputs.
        eps: Rounding of the least precise type that it computes in.
    """

    def __init__(
        self, model: nn.Module, input_size: int, output_size: int, dtype: torch.dtype, eps: float
    ) -> None:
        self.model, self.input_size, self.output_size, self.dtype = model, input_size, output_size, dtype
        self.reuses_state = bool(getattr(model, "reuses_state", False))
        # Far above the rounding of a few steps, and far below what mistakes cause: 7e-5 in float32, 4e-10 in
        # float64.
        self.tolerance = eps**0.6

    def inputs(self, steps: int, batch_size: int) -> Tensor:
        """Return random bits ``[T, B, I]``."""
        return torch.randint(0, 2, (steps, batch_size, self.input_size)).to(self.dtype)

    def start(self, batch_size: int, capacity: int) -> State:
        """Return what `initial_state` returns."""
        try:
            with _default(self.dtype):
                state: State = self.model.initial_state(batch_size, capacity)  # type: ignore[operator]
        except Exception as error:
            raise ModelError(
                f"initial_state(batch_size={batch_size}, capacity={capacity}) failed: {words(error)}. "
                "Expected it to work for any batch size, and for any capacity from 1 up"
            ) from error
        return state

    def run(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits and state from `forward`, after a check that it returns these two."""
        steps, batch_size, _ = inputs.shape
        try:
            with _default(self.dtype):
                returned: Any = self.model(inputs, state)
        except Exception as error:
            raise ModelError(
                f"forward failed for T = {steps} steps and a batch of {batch_size}: {words(error)}. "
                "Expected it to work for any batch size, and for any T from 1 up, as long as no row takes "
                "more steps in all than the capacity"
            ) from error
        if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor)):
            raise ModelError(
                f"forward returned {_form(returned)}; expected a tuple of two: the logits [T, B, L], and the "
                "state after the last step"
            )
        return returned

    def difference(self, seen: Tensor, expected: Tensor) -> float:
        """Return the largest difference, or 0 if it is within rounding."""
        if torch.allclose(seen, expected, rtol=self.tolerance, atol=self.tolerance):
            return 0.0
        return (seen - expected).abs().max().item()


def precise(trial: Trial) -> Trial:
    """Return a trial of a copy in float64, where rounding hides nothing, or the same one with a warning."""
    try:
        double = Trial(
            copy.deepcopy(trial.model).double(), trial.input_size, trial.output_size, torch.float64, 0
        )
        eps = _rounding(double)
    except Exception as error:
        reason = f"fails in float64 ({words(error)})"
    else:
        if eps <= torch.finfo(torch.float64).eps:
            return Trial(double.model, trial.input_size, trial.output_size, torch.float64, eps)
        reason = "computes in less than float64 even as model.double()"
    checked = Trial(trial.model, trial.input_size, trial.output_size, trial.dtype, _rounding(trial))
    warnings.warn(
        f"the model {reason}, so that differences below {checked.tolerance:.0e} are not seen; let "
        "initial_state and forward take the type of the parameters, as in self.output.weight.new_zeros(...)",
        stacklevel=3,
    )
    return checked


def words(error: Exception) -> str:
    """Return the type and the message of an error, without a full stop."""
    return f"{type(error).__name__}: {error}".rstrip(".")


class _Precision(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The rounding of the least precise floating-point tensor that is computed meanwhile."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.eps: float = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.is_floating_point():
                self.eps = max(self.eps, torch.finfo(tensor.dtype).eps)
        return result


def _rounding(trial: Trial) -> float:
    """Return the rounding of the least precise type that a model computes in."""
    inputs = trial.inputs(STEPS, 3)

    def run() -> None:
        _, state = trial.run(inputs, trial.start(3, CAPACITY))
        trial.run(inputs[:1], state)

    precision = _Precision()
    try:
        with precision:
            run()
    except ModelError:  # of a model that fails, or of one whose operations cannot be observed
        run()
        return torch.finfo(trial.dtype).eps
    return precision.eps


@contextmanager
def _default(dtype: torch.dtype) -> Iterator[None]:
    """Make a type that of new tensors."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _form(returned: Any) -> str:
    if isinstance(returned, tuple):
        return f"a tuple of {', '.join(type(part).__name__ for part in returned) or 'nothing'}"
    return f"a {type(returned).__name__}"
