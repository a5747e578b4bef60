"""Values of the interface vector: their places, and their activations, forward and backward.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Interface parameters"; the mathematics of :mod:`ntm_agents.interface`.

Shape letters: R read heads, H = 1 + R heads, M width of a slot.
"""

from __future__ import annotations

from typing import NamedTuple

from ntm_agents.kernels.activations import (
    SIGMOID,
    activate,
    activate_backward,
    softmax,
    softmax_backward,
    softplus,
    softplus_slope,
)
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline

MASK_FLOOR = 0.1
"""Least factor of a mask."""
MODES = 3
"""Modes of a read head: backward, content and forward."""


class Layout(NamedTuple):
    """Places of the values of the interface vector ``[P]``.

    For each head key (M), strength and, with masks, mask (M); three modes for each read head; two powers for
    each; R free gates; allocation gate and write gate; write vector (M) and erase vector (M).
    """

    readers: int
    """R."""
    width: int
    """M."""
    masks: int
    """Values of a mask: M or 0."""
    modes: int
    """Place of the first mode, behind the heads."""
    powers: int
    """Place of the first power."""
    free: int
    """Place of the first free gate."""
    vectors: int
    """Place of the write vector, behind allocation gate and write gate."""

    @property
    def size(self) -> int:
        """P."""
        return self.vectors + 2 * self.width


def layout(readers: int, width: int, masks: bool, linked: bool, powered: bool) -> Layout:
    """Return the places of the values for R read heads and slots of width M."""
    masked = width if masks else 0
    modes = (1 + readers) * (width + 1 + masked)
    powers = modes + (MODES * readers if linked else 0)
    free = powers + (2 * readers if powered else 0)
    return Layout(readers, width, masked, modes, powers, free, free + readers + 2)


@inline
def activate_parameters(p: Array, layout: Layout, write_activation: int) -> None:
    """Turn an interface vector ``[P]`` into the parameters that it stands for, in place."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    floor = p.dtype.type(MASK_FLOOR)
    at, each = 0, layout.width + 1 + layout.masks
    while at < layout.modes:
        p[at + layout.width] = one + softplus(p[at + layout.width], zero)
        mask = p[at + layout.width + 1 : at + each]
        activate(mask, SIGMOID)
        for m in range(len(mask)):
            mask[m] = floor + (one - floor) * mask[m]
        at += each
    while at < layout.powers:
        softmax(p[at : at + MODES])
        at += MODES
    for i in range(layout.powers, layout.free):
        p[i] = one + softplus(p[i], zero)
    activate(p[layout.free : layout.vectors], SIGMOID)
    erase = layout.vectors + layout.width
    activate(p[layout.vectors : erase], write_activation)
    activate(p[erase:], SIGMOID)


@inline
def activate_parameters_backward(p: Array, dp: Array, layout: Layout, write_activation: int) -> None:
    """Turn gradients of parameters ``[P]`` into those of the interface vector, in place."""
    one, floor = p.dtype.type(1), p.dtype.type(MASK_FLOOR)
    at, each = 0, layout.width + 1 + layout.masks
    while at < layout.modes:
        dp[at + layout.width] *= softplus_slope(p[at + layout.width] - one)
        for i in range(at + layout.width + 1, at + each):
            dp[i] *= (p[i] - floor) * (one - p[i]) / (one - floor)
        at += each
    while at < layout.powers:
        softmax_backward(p[at : at + MODES], dp[at : at + MODES])
        at += MODES
    for i in range(layout.powers, layout.free):
        dp[i] *= softplus_slope(p[i] - one)
    activate_backward(p[layout.free : layout.vectors], dp[layout.free : layout.vectors], SIGMOID)
    erase = layout.vectors + layout.width
    activate_backward(p[layout.vectors : erase], dp[layout.vectors : erase], write_activation)
    activate_backward(p[erase:], dp[erase:], SIGMOID)
