"""Activation functions in compiled code, forward and backward.

Numbers and arrays are float32 or float64. An integer literal would turn float32 into float64, so a
function of a number takes the constants that it needs in the number's own type.
"""

from __future__ import annotations

import math
from typing import Any

from ntm_agents.kernels.arithmetic import Array, exp, largest, log1p
from ntm_agents.kernels.compilation import inline

IDENTITY, TANH, SIGMOID = 0, 1, 2
"""Kinds of activations that are a choice at run time."""
ACTIVATIONS = {"identity": IDENTITY, "tanh": TANH, "sigmoid": SIGMOID}
"""The same, by their names in a model's options."""


@inline
def tanh(x: Any, one: Any) -> Any:
    """Return the hyperbolic tangent, for use in loops that vectorise."""
    two = one + one
    return two / (one + exp(-two * x)) - one


@inline
def sigmoid(x: Any, one: Any) -> Any:
    """Return ``1 / (1 + exp(-x))``."""
    return one / (one + exp(-x))


@inline
def softplus(x: Any, zero: Any) -> Any:
    """Return ``log(1 + exp(x))``."""
    return max(x, zero) + log1p(exp(-abs(x)))


@inline
def softplus_slope(y: Any) -> Any:
    """Return the derivative of softplus where its value is y."""
    return -math.expm1(-y)


@inline
def activate(values: Array, kind: int) -> None:
    """Apply an activation in place ``[I]``."""
    one = values.dtype.type(1)
    if kind == TANH:
        for i in range(len(values)):
            values[i] = tanh(values[i], one)
    elif kind == SIGMOID:
        for i in range(len(values)):
            values[i] = sigmoid(values[i], one)


@inline
def activate_backward(values: Array, gradients: Array, kind: int) -> None:
    """Turn gradients of activated values ``[I]`` into those of their pre-activations, in place."""
    one = values.dtype.type(1)
    if kind == TANH:
        for i in range(len(values)):
            gradients[i] *= one - values[i] * values[i]
    elif kind == SIGMOID:
        for i in range(len(values)):
            gradients[i] *= values[i] * (one - values[i])


@inline
def softmax(values: Array) -> None:
    """Apply a softmax in place ``[I]``."""
    top, total = largest(values), values.dtype.type(0)
    for i in range(len(values)):
        values[i] = exp(values[i] - top)
        total += values[i]
    for i in range(len(values)):
        values[i] /= total


@inline
def softmax_backward(values: Array, gradients: Array) -> None:
    """Turn gradients of a softmax ``[I]`` into those of its logits, in place."""
    mean = values.dtype.type(0)
    for i in range(len(values)):
        mean += values[i] * gradients[i]
    for i in range(len(values)):
        gradients[i] = values[i] * (gradients[i] - mean)


@inline
def softmax_of_used(values: Array, scale: Any, used: Array, out: Array) -> None:
    """Write the softmax of `scale` times the values whose `used` is 1, zero for the others, all ``[I]``.

    Values are at least -1, and those of the others are replaced by -2, so that none of them is the largest.
    """
    one, total = values.dtype.type(1), values.dtype.type(0)
    for i in range(len(values)):
        values[i] = used[i] * (values[i] + one + one) - one - one
    top = scale * largest(values)
    for i in range(len(values)):
        value = used[i] * exp(scale * values[i] - top)
        out[i] = value
        total += value
    share = one / max(total, one)  # the largest has a share of 1 in the sum, if there is any
    for i in range(len(values)):
        out[i] *= share


@inline
def scaled_softmax(values: Array, scale: Any, out: Array) -> None:
    """Write the softmax of `scale`, which is not negative, times values ``[I]``."""
    count = len(values)
    one, total = values.dtype.type(1), values.dtype.type(0)
    top = scale * largest(values)
    for i in range(count):
        value = exp(scale * values[i] - top)
        out[i] = value
        total += value
    share = one / total
    for i in range(count):
        out[i] *= share
