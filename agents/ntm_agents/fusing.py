"""Reasons why a fused kernel, which computes a whole step, cannot stand in for a machine's own code."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.controllers import LAYERS, Controller, GRULayer

KINDS = ("feedforward", "lstm")
"""Controllers that kernels know, of one layer."""
FORWARDS = tuple(layer.forward for layer in LAYERS.values())


def unknown_controller(
    kind: str, num_layers: int, controller: Controller, kinds: tuple[str, ...] = KINDS
) -> str:
    """Return why a kernel does not know a controller, or an empty string.

    Args:
        kind: Its kind, as configured.
        num_layers: Its number of layers, as configured.
        controller: The controller, which may have been replaced, or have hooks.
        kinds: The kinds that the kernel knows.
    """
    if kind not in kinds or num_layers > 1:
        return f"the controller is {kind!r} with num_layers {num_layers}"
    layer = controller.layers[0]
    if type(controller).forward is not Controller.forward or type(layer).forward not in FORWARDS:
        return f"the controller is a {type(controller).__name__} of a {type(layer).__name__}"
    return "the controller has hooks" if hooked(controller) or hooked(layer) else ""


def hooked(module: nn.Module) -> bool:
    """Return whether a module has hooks, which a kernel would not call."""
    forward, backward = module._forward_hooks, module._backward_hooks
    return bool(forward or backward or module._forward_pre_hooks or module._backward_pre_hooks)


def redefined(kind: type, step: Iterable[str]) -> str:
    """Return a method of a step that a class redefines without the kernel's arguments, or an empty string.

    Args:
        kind: Class of a machine with a method `_kernel_arguments`.
        step: Methods that a step consists of, and that the kernel computes instead.
    """

    def depth(method: str) -> int:
        return next(i for i, base in enumerate(kind.__mro__) if method in vars(base))

    return next((method for method in step if depth(method) < depth("_kernel_arguments")), "")


def one_product(controller: Controller, addend: Tensor) -> tuple[Tensor, Tensor]:
    """Return addends and weights with which a controller of one layer multiplies what it sees, once.

    A GRU has pre-activations of reset gate, update gate and candidate, and then the candidate's share of the
    last output, to which the reset gate applies.

    Args:
        controller: A controller of one layer.
        addend: What it projected ``[T, B, G * C]``.

    Returns:
        Addends ``[T, B, G * C]`` and weights, ``[G * C, V]`` or ``[G * C, V + C]``; with G = 4 of a GRU.
    """
    layer = controller.lowest
    if not isinstance(layer, GRULayer):
        return addend, layer.weight
    sizes = (2 * layer.hidden_size, layer.hidden_size)
    gates, candidate = addend.split_with_sizes(sizes, 2)
    of_gates, of_candidate = layer.recurrent_bias.split_with_sizes(sizes)
    addend = torch.cat((gates + of_gates, candidate, of_candidate.expand_as(candidate)), 2)
    V, C = layer.below, layer.hidden_size
    below, own = functional.pad(layer.weight, (0, C)), functional.pad(layer.recurrent, (V, 0))
    gates = below[: 2 * C] + own[: 2 * C]
    return addend, torch.cat((gates, below[2 * C :], own[2 * C :]))
