"""Reasons why a fused kernel, which computes a whole step, cannot stand in for a machine's own code."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from ntm_agents.controllers import LAYERS, Controller

KINDS = ("feedforward", "lstm")
"""Controllers that kernels know, of one layer."""
FORWARDS = tuple(layer.forward for layer in LAYERS.values())


def unknown_controller(kind: str, num_layers: int, controller: Controller) -> str:
    """Return why kernels do not know a controller, or an empty string.

    Args:
        kind: Its kind, as configured.
        num_layers: Its number of layers, as configured.
        controller: The controller, which may have been replaced, or have hooks.
    """
    if kind not in KINDS or num_layers > 1:
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
