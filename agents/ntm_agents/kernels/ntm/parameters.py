"""Head parameters: their places in the controller's output, and their activations, forward and backward.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 3.3 and figure 2.

Shape letters: H heads, W of them write heads, which come first, M width of a slot, K of a key, S shift
options.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ntm_agents.kernels.activations import (
    SIGMOID,
    activate,
    activate_backward,
    sigmoid,
    softmax,
    softmax_backward,
    softplus,
    softplus_slope,
)
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline

STRENGTH, SHARPENING, GATE, SHIFTS = 0, 1, 2, 3
"""Places of a head's parameters behind its key."""


class Layout(NamedTuple):
    """Places of all head parameters ``[P]``.

    For each head a key (K), strength, sharpening, gate and shifts (S); then for each write head an add vector
    (M) and, unless it replaces what it writes to, an erase vector (M).
    """

    heads: int
    """H."""
    writers: int
    """W."""
    key_width: int
    """K."""
    width: int
    """M."""
    shifts: int
    """S."""
    stride: int
    """Parameters of a head, ``K + 3 + S``."""
    vectors: int
    """Place of the first add vector, ``H * stride``."""
    key_activation: int
    """Kind of the activation of keys."""
    add_activation: int
    """Kind of the activation of add vectors."""
    adders: int
    """Write heads that are no erasers, which come first. The limit of their erase vectors is 1."""
    erase_limit: Any
    """Limit of the elements of the erase vectors of erasers."""


@inline
def activate_parameters(p: Array, layout: Layout) -> None:
    """Turn the controller's output ``[P]`` into head parameters, in place."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for h in range(layout.heads):
        at = h * layout.stride
        activate(p[at : at + layout.key_width], layout.key_activation)
        at += layout.key_width
        for i in range(2):
            p[at + i] = softplus(p[at + i], zero)
        p[at + SHARPENING] += one
        p[at + GATE] = sigmoid(p[at + GATE], one)
        softmax(p[at + SHIFTS : at + SHIFTS + layout.shifts])
    at = layout.vectors
    each = (len(p) - at) // layout.writers  # M or 2 * M
    for w in range(layout.writers):
        limit = one if w < layout.adders else layout.erase_limit
        activate(p[at : at + layout.width], layout.add_activation)
        activate(p[at + layout.width : at + each], SIGMOID)
        for i in range(at + layout.width, at + each):
            p[i] *= limit
        at += each


@inline
def activate_parameters_backward(p: Array, dp: Array, layout: Layout) -> None:
    """Turn gradients of head parameters ``[P]`` into those of the controller's output, in place."""
    one, shifts = p.dtype.type(1), layout.shifts
    for h in range(layout.heads):
        at = h * layout.stride
        end = at + layout.key_width
        activate_backward(p[at:end], dp[at:end], layout.key_activation)
        at = end
        dp[at + STRENGTH] *= softplus_slope(p[at + STRENGTH])
        dp[at + SHARPENING] *= softplus_slope(p[at + SHARPENING] - one)
        dp[at + GATE] *= p[at + GATE] * (one - p[at + GATE])
        at += SHIFTS
        softmax_backward(p[at : at + shifts], dp[at : at + shifts])
    at = layout.vectors
    each = (len(p) - at) // layout.writers
    for w in range(layout.writers):
        limit = one if w < layout.adders else layout.erase_limit
        middle, end = at + layout.width, at + each
        activate_backward(p[at:middle], dp[at:middle], layout.add_activation)
        for i in range(middle, end):
            dp[i] *= p[i] * (one - p[i] / limit)
        at = end
