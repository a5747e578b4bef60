"""A check of models, which explains each mistake to their author.

Example:
    >>> from ntm_agents import NTM
    >>> check_model(NTM, config={"controller": "feedforward"})
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ntm_agents.protocol import State, build, config_class, tensors
from ntm_agents.readout import readout
from ntm_envs.answers import Bits
from ntm_envs.tasks import Task

STEPS = 6  # of the sequences that a model is tried on; no size of the trial is another's multiple or equal
TOLERANCE = 1e-4  # far above float32 rounding over so few steps, and far below what any mistake causes


class ModelError(Exception):
    """A violation of :class:`ntm_agents.protocol.Model`; the message explains how to fix it."""


def check_model(
    model: Callable[..., nn.Module],
    *,
    input_size: int = 9,
    output_size: int = 8,
    config: Mapping[str, Any] | None = None,
    task: Task | None = None,
) -> None:
    """Check that a model implements :class:`ntm_agents.protocol.Model`.

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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trial = _Trial(_build(make, input_size, output_size, dict(config or {})), input_size, output_size)
        with torch.no_grad():
            # Two batch sizes: a dimension that is equal to the batch by chance is so only once.
            for batch_size, capacity in ((3, 8), (5, 64), (1, 8)):
                trial.check_shapes(batch_size, capacity)
            trial.check_purity()
            trial.check_steps()
            trial.check_rows()
            trial.check_extras()
            trial.check_saved(_build(make, input_size, output_size, dict(config or {})))
        trial.check_gradients()


def _build(model: Callable[..., nn.Module], input_size: int, output_size: int, config: Any) -> nn.Module:
    """Return a model, or raise the error that explains why there is none."""
    try:
        if inspect.isclass(model):
            config_class(model)
        built = model(input_size, output_size, **config)
    except Exception as error:
        raise ModelError(
            f"the model cannot be built as Model({input_size}, {output_size}, **{config}): {_words(error)}. "
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


class _Trial:
    """A model, and checks of its methods."""

    def __init__(self, model: nn.Module, input_size: int, output_size: int) -> None:
        self.model, self.input_size, self.output_size = model, input_size, output_size

    def check_shapes(self, batch_size: int, capacity: int) -> None:
        """Check everything that is returned, for a sequence and for a single step."""
        state = self.start(batch_size, capacity)
        self.check_state(state, "initial_state", batch_size)
        for steps in (STEPS, 1):
            logits, after = self.run(self.inputs(steps, batch_size), state)
            expected = (steps, batch_size, self.output_size)
            if logits.shape != expected:
                raise ModelError(
                    f"forward returned logits of the shape {tuple(logits.shape)} for inputs of the shape "
                    f"{(steps, batch_size, self.input_size)}; expected [T, B, L] = {expected}: time first, "
                    "as many logits at every step as the task's answers need"
                )
            if logits.dtype != torch.float32:
                raise ModelError(
                    f"forward returned logits of type {logits.dtype}; expected torch.float32, the type of "
                    "its inputs, and logits, not answers or probabilities"
                )
            self.check_state(after, "forward", batch_size)
            self.check_same_form(state, after)
            for name, tensor in [("logits", logits), *tensors(after)]:
                if not tensor.isfinite().all():
                    raise ModelError(
                        f"{name} of an untrained model are not finite, after {steps} steps; expected finite "
                        "numbers: look for a division by zero, a logarithm or root of 0, or memory that is "
                        "not initialised"
                    )

    def check_state(self, state: State, method: str, batch_size: int) -> None:
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

    def check_same_form(self, before: State, after: State) -> None:
        """Check that a state has the same form after forward as before."""
        forms = [
            [f"{name} {tensor.dtype} {tuple(tensor.shape)}" for name, tensor in tensors(state)]
            for state in (before, after)
        ]
        if forms[0] != forms[1]:
            raise ModelError(
                f"forward was given the state {forms[0]} and returned {forms[1]}; expected the same tensors "
                "in the same order, with the same shapes and types"
            )

    def check_purity(self) -> None:
        """Check that logits depend on inputs and state alone, and that both are left as they are."""
        inputs, state = self.inputs(STEPS, 3), self.start(3, 8)
        given = [("inputs", inputs), *tensors(state)]
        copies = [tensor.clone() for _, tensor in given]
        first, _ = self.run(inputs, state)
        for (name, tensor), copy in zip(given, copies, strict=True):
            if not torch.equal(tensor, copy):
                raise ModelError(
                    f"forward changed {name} in place; expected it to be left as it is: compute a new tensor"
                )
        second, _ = self.run(inputs, state)
        if not torch.equal(first, second):
            raise ModelError(
                "the same inputs and the same state gave different logits the second time, in evaluation "
                "mode; expected the same: use randomness such as dropout only while self.training is true, "
                "and keep what is remembered in the state, not in attributes of self"
            )

    def check_steps(self) -> None:
        """Check that a sequence step by step gives what the whole sequence gives."""
        inputs, state = self.inputs(STEPS, 3), self.start(3, 8)
        whole, _ = self.run(inputs, state)
        for t in range(STEPS):
            logits, state = self.run(inputs[t : t + 1], state)
            difference = _difference(logits[0], whole[t])
            if difference:
                raise ModelError(
                    f"step by step (T = 1) the logits of step {t} differ by {difference:.2g} from those of "
                    "the whole sequence; expected the same: everything that a later step needs has to be in "
                    "the returned state, and a step may not see later inputs"
                )

    def check_rows(self) -> None:
        """Check that the episodes of a batch do not influence each other."""
        inputs = self.inputs(STEPS, 3)
        changed = torch.cat((1 - inputs[:, :1], inputs[:, 1:]), 1)
        logits, _ = self.run(inputs, self.start(3, 8))
        others, _ = self.run(changed, self.start(3, 8))
        alone, _ = self.run(inputs[:, 2:], self.start(1, 8))
        for what, seen in (("other inputs in row 0", others[:, 2]), ("a batch of its own", alone[:, 0])):
            difference = _difference(seen, logits[:, 2])
            if difference:
                raise ModelError(
                    f"with {what} the logits of row 2 change by {difference:.2g}; expected rows of a batch "
                    "not to influence each other: look for a view that mixes dimensions up, or a mean, norm "
                    "or softmax over dimension 1, which is the batch"
                )

    def check_extras(self) -> None:
        """Check the optional methods `with_penalty` and `trace`."""
        inputs, state = self.inputs(STEPS, 3), self.start(3, 8)
        logits, after = self.run(inputs, state)
        if (with_penalty := getattr(self.model, "with_penalty", None)) is not None:
            try:
                again, penalty = with_penalty(inputs, state)
                shape, difference = tuple(penalty.shape), _difference(again, logits)
            except Exception as error:
                raise ModelError(
                    f"with_penalty failed: {_words(error)}. Expected a tuple of two, the logits [T, B, L] "
                    "and the penalty; or remove it"
                ) from error
            if shape or difference or not penalty.isfinite():
                raise ModelError(
                    f"with_penalty returned the penalty {penalty}, and logits that differ by "
                    f"{difference:.2g} from those of forward; expected one finite number, as a tensor "
                    "without dimensions, and the same logits"
                )
        if (trace := getattr(self.model, "trace", None)) is not None:
            try:
                shapes = {name: tuple(tensor.shape) for name, tensor in trace(after).items()}
            except Exception as error:
                raise ModelError(
                    f"trace failed: {_words(error)}. Expected a dictionary of tensors; or remove it"
                ) from error
            for name, shape in shapes.items():
                dimensions = 3 if name == "memory" or name.endswith("weighting") else len(shape)
                if shape[:1] != (3,) or len(shape) != dimensions:
                    raise ModelError(
                        f"trace returned {name!r} with the shape {shape} for a batch of 3; expected the "
                        "batch in dimension 0: weightings [B, heads, N], under names that end so, the memory "
                        "[B, N, M], and any other tensors to show"
                    )

    def check_saved(self, other: nn.Module) -> None:
        """Check that another model with the same `state_dict` is the same model."""
        try:
            other.load_state_dict(self.model.state_dict())
        except RuntimeError as error:
            raise ModelError(
                f"another model of the same configuration cannot load the state_dict: {_words(error)}. "
                "Expected names and shapes that depend on the configuration alone"
            ) from error
        inputs = self.inputs(STEPS, 3)
        logits, _ = self.run(inputs, self.start(3, 8))
        again, _ = _Trial(other, self.input_size, self.output_size).run(inputs, other.initial_state(3, 8))  # type: ignore[operator]
        if difference := _difference(again, logits):
            raise ModelError(
                f"the logits of another model with the same state_dict differ by {difference:.2g}; expected "
                "the same, as nothing else is saved: make what is random, or is made of it, a parameter "
                "or a buffer (register_buffer)"
            )

    def check_gradients(self) -> None:
        """Check that training reaches every parameter."""
        self.model.train()
        inputs = self.inputs(STEPS, 3)
        logits, _ = self.run(inputs, self.start(3, 8))
        loss = readout(Bits(self.output_size)).loss(logits, torch.randint(0, 2, logits.shape))
        try:
            loss.backward()  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise ModelError(
                f"there is no gradient: {_words(error)}. Expected logits that depend on the parameters: "
                "look for detach, no_grad, .data or .item() in forward"
            ) from error
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad and parameter.grad is None:
                raise ModelError(
                    f"no gradient reaches the parameter {name!r}; expected every parameter to take part in "
                    "the logits: remove it if it is not used, and look for detach, no_grad, .data or .item() "
                    "on its way to them"
                )
            if parameter.grad is not None and not parameter.grad.isfinite().all():
                raise ModelError(
                    f"the gradient of the parameter {name!r} is not finite; expected finite numbers: look "
                    "for a root, norm or logarithm of 0, and for torch.where around one"
                )

    def inputs(self, steps: int, batch_size: int) -> Tensor:
        """Return random bits ``[T, B, I]``."""
        return torch.randint(0, 2, (steps, batch_size, self.input_size)).float()

    def start(self, batch_size: int, capacity: int) -> State:
        """Return what `initial_state` returns."""
        try:
            state: State = self.model.initial_state(batch_size, capacity)  # type: ignore[operator]
        except Exception as error:
            raise ModelError(
                f"initial_state(batch_size={batch_size}, capacity={capacity}) failed: {_words(error)}. "
                "Expected it to work for any batch size, and for any capacity from 1 up"
            ) from error
        return state

    def run(self, inputs: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits and state from `forward`, after a check that it returns these two."""
        steps, batch_size, _ = inputs.shape
        try:
            returned: Any = self.model(inputs, state)
        except Exception as error:
            raise ModelError(
                f"forward failed for T = {steps} steps and a batch of {batch_size}: {_words(error)}. "
                "Expected it to work for any T from 1 up and for any batch size"
            ) from error
        if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor)):
            raise ModelError(
                f"forward returned {_form(returned)}; expected a tuple of two: the logits [T, B, L], and the "
                "state after the last step"
            )
        return returned


def _difference(seen: Tensor, expected: Tensor) -> float:
    """Return the largest difference, or 0 if it is within rounding."""
    if torch.allclose(seen, expected, rtol=TOLERANCE, atol=TOLERANCE):
        return 0.0
    return (seen - expected).abs().max().item()


def _form(returned: Any) -> str:
    if isinstance(returned, tuple):
        return f"a tuple of {', '.join(type(part).__name__ for part in returned) or 'nothing'}"
    return f"a {type(returned).__name__}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
