"""Sharpening of a DNC's backward and forward weightings, forward and backward.

Source: Csordas and Schmidhuber, *Improving Differentiable Neural Computers* (arXiv 1904.10278), section 3.3;
the mathematics of `sharpen_links` in :mod:`ntm_agents.allocation`.

Shape letters: N slots.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array, exp, largest, log
from ntm_agents.kernels.compilation import inline

EPSILON = 1e-6
"""Addend of the denominators."""
TINY = 1e-30
"""Added before the logarithm."""


@inline
def sharpen_way(weighting: Array, power: Any, out: Array) -> None:
    """Raise a weighting to a power of at least 1, and normalise.

    Args:
        weighting: ``[N]``.
        power: The power.
        out: The result, written ``[N]``.
    """
    zero, tiny, epsilon = out.dtype.type(0), out.dtype.type(TINY), out.dtype.type(EPSILON)
    top, total = largest(weighting) + epsilon, zero
    for n in range(len(out)):
        raised = exp(log(max(weighting[n], zero) / top + tiny) * power)
        out[n] = raised
        total += raised
    total += epsilon
    for n in range(len(out)):
        out[n] /= total


@inline
def sharpen_way_backward(weighting: Array, power: Any, out: Array, gradient: Array) -> Any:
    """Backpropagate through `sharpen_way`.

    Args:
        weighting: ``[N]``.
        power: The power.
        out: What `sharpen_way` wrote ``[N]``.
        gradient: Gradients of the result ``[N]``; afterwards, of the weighting.

    Returns:
        The gradient of the power.
    """
    zero, one = out.dtype.type(0), out.dtype.type(1)
    tiny, epsilon = out.dtype.type(TINY), out.dtype.type(EPSILON)
    highest = largest(weighting)
    top, mean = highest + epsilon, zero
    for n in range(len(out)):
        mean += gradient[n] * out[n]
    dpower, dtop, tops = zero, zero, zero
    for n in range(len(out)):
        relative = max(weighting[n], zero) / top
        d = out[n] * (gradient[n] - mean)
        dpower += d * log(relative + tiny)
        d *= power / ((relative + tiny) * top)
        dtop -= d * relative
        gradient[n] = d if weighting[n] >= zero else zero
        tops += one if weighting[n] == highest else zero
    for n in range(len(out)):  # all of the largest share the gradient of the largest
        gradient[n] += dtop / tops if weighting[n] == highest else zero
    return dpower
