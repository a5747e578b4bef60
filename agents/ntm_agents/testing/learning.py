"""Checks that a model can be trained, copied and saved in every way of the trainers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from ntm_agents.protocol import State
from ntm_agents.readout import readout
from ntm_agents.testing.trial import CAPACITY, LONG, LONG_CAPACITY, STEPS, ModelError, Trial, words
from ntm_agents.training.config import TrainConfig
from ntm_agents.training.optimization import clip_gradients, make_optimizer
from ntm_envs.answers import Bits

OPTIMIZERS: tuple[Literal["adam", "adamw", "rmsprop"], ...] = ("adam", "adamw", "rmsprop")


def check_parameters(model: nn.Module) -> None:
    """Check that optimizers, averages and files can hold every parameter."""
    for name, parameter in model.named_parameters():
        if isinstance(parameter, UninitializedParameter):
            raise ModelError(
                f"the parameter {name!r} has no shape before the first forward; expected all of them to have "
                "one when the model is built: use layers with sizes, such as nn.Linear(input_size, ...)"
            )
        if parameter.requires_grad and parameter.dtype not in (torch.float32, torch.float64):
            raise ModelError(
                f"the parameter {name!r} is of type {parameter.dtype}; expected torch.float32. Small updates "
                "and averages would be lost in fewer bits: convert it where it is used. Complex numbers are "
                "torch.view_as_complex of a real parameter [..., 2]"
            )
        if not parameter.is_floating_point():
            raise ModelError(
                f"the parameter {name!r} is of type {parameter.dtype}; expected what is not trained and not "
                "real to be a buffer (register_buffer)"
            )
        if any(
            size > 1 and not stride for size, stride in zip(parameter.shape, parameter.stride(), strict=True)
        ):
            raise ModelError(
                f"numbers of the parameter {name!r} share memory, as expand makes it; expected a tensor with "
                "a place for each: expand it where it is used"
            )


def check_made(model: nn.Module, made: Mapping[str, nn.Parameter]) -> None:
    """Check that forward has made no parameter, and replaced none."""
    for name, parameter in model.named_parameters():
        if made.get(name) is not parameter:
            raise ModelError(
                f"forward made the parameter {name!r}; expected all parameters to be made by __init__, as "
                "the optimizer gets them before the first forward"
            )


def check_copied(model: nn.Module) -> None:
    """Check that a model can be copied, as the average of its weights is, and written into a file."""
    try:
        copy.deepcopy(model)
    except Exception as error:
        raise ModelError(
            f"copy.deepcopy of the model failed: {words(error)}. Expected it to work: attributes may hold "
            "parameters, buffers and constants, but no tensors that are computed from parameters: detach "
            "what forward keeps, and take weight_norm from torch.nn.utils.parametrizations"
        ) from error
    try:
        _written(model)
    except Exception as error:
        raise ModelError(
            f"the state_dict cannot be written as safetensors: {words(error)}. Expected nothing but tensors "
            "in it: remove get_extra_state"
        ) from error


def check_saved(trial: Trial, other: nn.Module) -> None:
    """Check that another model with the same `state_dict` is the same model."""
    try:
        other.load_state_dict(trial.model.state_dict())
    except RuntimeError as error:
        raise ModelError(
            f"another model of the same configuration cannot load the state_dict: {words(error)}. "
            "Expected names and shapes that depend on the configuration alone"
        ) from error
    inputs = trial.inputs(STEPS, 3)
    logits, _ = trial.run(inputs, trial.start(3, CAPACITY))
    second = Trial(other, trial.input_size, trial.output_size, trial.dtype, torch.finfo(trial.dtype).eps)
    again, _ = second.run(inputs, second.start(3, CAPACITY))
    if difference := trial.difference(again, logits):
        raise ModelError(
            f"the logits of another model with the same state_dict differ by {difference:.2g}; expected "
            "the same, as nothing else is saved: make what is random, or is made of it, a parameter "
            "or a buffer (register_buffer)"
        )


def check_training_mode(trial: Trial) -> None:
    """Check that training can be repeated, and that rows do not influence each other in it either."""
    model = trial.model.train()
    saved = copy.deepcopy(model.state_dict())
    inputs = trial.inputs(LONG, 3)
    changed = torch.cat((1 - inputs[:, :1], inputs[:, 1:]), 1)

    def logits(shown: Tensor) -> Tensor:
        """Return the logits of a model that is as it was, and draws the same random numbers."""
        model.load_state_dict(saved)
        torch.manual_seed(1)
        return trial.run(shown, trial.start(3, LONG_CAPACITY))[0].detach()

    first = logits(inputs)
    if not torch.equal(logits(inputs), first):
        raise ModelError(
            "in training mode, the same weights, inputs and state of torch's generator gave different logits "
            "the second time; expected the same, so that training can be resumed: draw random numbers from "
            "torch's global generator, and keep what training changes in parameters and buffers"
        )
    if difference := trial.difference(logits(changed)[:, 2], first[:, 2]):
        raise ModelError(
            f"in training mode, with other inputs in row 0 the logits of row 2 change by {difference:.2g}; "
            "expected rows of a batch not to influence each other, as rows are padded: use a norm over "
            "channels, such as nn.LayerNorm, in place of nn.BatchNorm"
        )


def check_gradients(trial: Trial) -> None:
    """Check that training reaches every parameter, and also goes on from a state that was played to."""
    inputs = trial.inputs(LONG, 3)
    with torch.inference_mode():  # as in an evaluation while it is trained
        trial.run(inputs, trial.start(3, LONG_CAPACITY))
    with torch.no_grad():
        _, state = trial.run(inputs[:5], trial.start(3, LONG_CAPACITY))
    trial.model.train()
    _backward(trial, inputs, trial.start(3, LONG_CAPACITY))
    for name, parameter in trial.model.named_parameters():
        gradient = parameter.grad
        if parameter.requires_grad and gradient is None:
            raise ModelError(
                f"no gradient reaches the parameter {name!r}; expected every parameter to take part in "
                "the logits: remove it if it is not used, and look for detach, no_grad, .data or .item() "
                "on its way to them"
            )
        if gradient is not None and gradient.layout != torch.strided:
            raise ModelError(
                f"the gradient of the parameter {name!r} is sparse; expected a dense one, which all "
                "optimizers take: use nn.Embedding with sparse=False"
            )
        if gradient is not None and not gradient.isfinite().all():
            raise ModelError(
                f"the gradient of the parameter {name!r} is not finite; expected finite numbers: look "
                "for a root, norm or logarithm of 0, and for torch.where around one"
            )
    trial.model.eval()  # as a policy learns, from states that it has played to
    _backward(trial, inputs[5:], state, " in evaluation mode, from a state after 5 steps")
    trial.model.train()


def check_updates(trial: Trial) -> None:
    """Check that each optimizer makes an update, as trainers make one."""
    for optimizer in OPTIMIZERS:
        model = copy.deepcopy(trial.model)
        parameters: list[Tensor] = list(model.parameters())
        averages = [parameter.detach().clone() for parameter in parameters]
        copied = Trial(model, trial.input_size, trial.output_size, trial.dtype, torch.finfo(trial.dtype).eps)
        _backward(copied, trial.inputs(STEPS, 3), copied.start(3, CAPACITY))
        try:
            clip_gradients(parameters, 1.0)
            make_optimizer(TrainConfig(optimizer=optimizer), model).step()
            with torch.no_grad():
                torch._foreach_lerp_(averages, parameters, 0.01)
            _written(model)
        except Exception as error:
            raise ModelError(
                f"an update by the optimizer {optimizer!r} failed: {words(error)}. Expected parameters that "
                "are plain tensors of torch.float32"
            ) from error


def _backward(trial: Trial, inputs: Tensor, state: State, when: str = "") -> None:
    """Compute the gradients of a loss."""
    answers, targets = (
        readout(Bits(trial.output_size)),
        torch.randint(0, 2, (*inputs.shape[:2], trial.output_size)),
    )
    with_loss, auxiliary = getattr(trial.model, "with_auxiliary_loss", None), torch.zeros(())
    if with_loss is not None and trial.model.training:
        scored = torch.ones(inputs.shape[:2], dtype=torch.bool)
        logits, auxiliary = with_loss(inputs, state, partial(answers.shares, targets=targets, mask=scored))
        if auxiliary.shape or not auxiliary.isfinite():
            raise ModelError(
                f"with_auxiliary_loss returned the loss {auxiliary}; expected one finite number, as a tensor "
                "without dimensions, behind the logits"
            )
    else:
        logits, _ = trial.run(inputs, state)
    loss = answers.loss(logits, targets) + auxiliary
    try:
        loss.backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ModelError(
            f"there is no gradient{when}: {words(error)}. Expected logits that depend on the parameters: "
            "look for detach, no_grad, .data or .item() in forward, for tensors that are written to in "
            "place, and for those that forward keeps in self"
        ) from error


def _written(model: nn.Module) -> bytes:
    """Return the file of a model's weights."""
    return save({name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()})
