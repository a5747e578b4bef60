"""Addressing by location, forward and backward: interpolation, shift and sharpening.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 3.3.2, equations
7 to 9; the mathematics of `interpolate`, `shift` and `sharpen` in :mod:`ntm_agents.addressing`.

A shift wraps around the end of the memory. So that its loops need no remainder, the interpolated weighting
lies in a ring ``[N + S - 1]``: its N numbers, with the last ones once more before them and the first ones
behind them.

Shape letters: N slots, S shift options; option j moves a weighting by ``j - S // 2`` slots.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.activations import scaled_softmax
from ntm_agents.kernels.arithmetic import Array, log
from ntm_agents.kernels.compilation import inline

TINY = 1e-30
"""Added before logarithms and square roots, as in :mod:`ntm_agents.addressing`."""


@inline
def ring_start(shifts: int) -> int:
    """Return the position of slot 0 in a ring, which is the largest shift."""
    return shifts - 1 - shifts // 2


@inline
def interpolate(content: Array, previous: Array, gate: Any, left: int, ring: Array) -> None:
    """Mix two weightings by a gate g in [0, 1]: equation 7.

    Args:
        content: Weighting by content ``[N]``.
        previous: Weighting of the step before ``[N]``.
        gate: Share of the first.
        left: Place of slot 0 in the ring.
        ring: The result, written ``[N + S - 1]``.
    """
    slots = len(content)
    middle = ring[left : left + slots]
    for n in range(slots):
        middle[n] = previous[n] + gate * (content[n] - previous[n])
    for i in range(left):
        ring[left - 1 - i] = middle[slots - 1 - i]
    for i in range(len(ring) - left - slots):
        ring[left + slots + i] = middle[i]


@inline
def interpolate_backward(
    content: Array, previous: Array, gate: Any, left: int, dring: Array, dcontent: Array, dprevious: Array
) -> Any:
    """Backpropagate through `interpolate`.

    Args:
        content: Weighting by content ``[N]``.
        previous: Weighting of the step before ``[N]``.
        gate: Share of the first.
        left: Place of slot 0 in the ring.
        dring: Gradients of the ring ``[N + S - 1]``; its ends are folded back.
        dcontent: Gradients of the weighting by content, written ``[N]``.
        dprevious: Gradients of the weighting before, written ``[N]``.

    Returns:
        The gradient of the gate.
    """
    slots = len(content)
    one, dgate = content.dtype.type(1), content.dtype.type(0)
    middle = dring[left : left + slots]
    for i in range(left):
        middle[slots - 1 - i] += dring[left - 1 - i]
    for i in range(len(dring) - left - slots):
        middle[i] += dring[left + slots + i]
    for n in range(slots):
        d = middle[n]
        dgate += d * (content[n] - previous[n])
        dcontent[n] = gate * d
        dprevious[n] = (one - gate) * d
    return dgate


@inline
def shift(ring: Array, moves: Array, shifted: Array, logs: Array) -> None:
    """Rotate a weighting by a distribution over shifts: equation 8.

    Args:
        ring: The weighting ``[N + S - 1]``.
        moves: Distribution over shifts, s ``[S]``.
        shifted: The result plus TINY, written ``[N]``.
        logs: Its logarithms, written ``[N]``.
    """
    slots, shifts = len(shifted), len(moves)
    tiny = ring.dtype.type(TINY)
    if shifts == 3:  # the paper's, in one go
        s0, s1, s2 = moves[0], moves[1], moves[2]
        here, before, behind = ring[1 : 1 + slots], ring[:slots], ring[2 : 2 + slots]
        for n in range(slots):
            value = tiny + s0 * behind[n] + s1 * here[n] + s2 * before[n]
            shifted[n] = value
            logs[n] = log(value)
        return
    for n in range(slots):
        shifted[n] = tiny
    for j in range(shifts):
        share = moves[j]
        moved = ring[shifts - 1 - j : shifts - 1 - j + slots]
        for n in range(slots):
            shifted[n] += share * moved[n]
    for n in range(slots):
        logs[n] = log(shifted[n])


@inline
def shift_backward(ring: Array, moves: Array, dshifted: Array, dring: Array, dmoves: Array) -> None:
    """Backpropagate through `shift`.

    Args:
        ring: The weighting ``[N + S - 1]``.
        moves: Distribution over shifts ``[S]``.
        dshifted: Gradients of the shifted weighting ``[N]``.
        dring: Gradients of the ring, written ``[N + S - 1]``.
        dmoves: Gradients of the distribution, written ``[S]``.
    """
    slots, shifts = len(dshifted), len(moves)
    zero = ring.dtype.type(0)
    for i in range(len(dring)):
        dring[i] = zero
    for j in range(shifts):
        share, total = moves[j], zero
        moved = ring[shifts - 1 - j : shifts - 1 - j + slots]
        dmoved = dring[shifts - 1 - j : shifts - 1 - j + slots]
        for n in range(slots):
            total += dshifted[n] * moved[n]
            dmoved[n] += share * dshifted[n]
        dmoves[j] = total


@inline
def sharpen(logs: Array, sharpening: Any, weighting: Array) -> None:
    """Raise a weighting, given as logarithms ``[N]``, to the power gamma >= 1 and normalise: equation 9."""
    scaled_softmax(logs, sharpening, weighting)


@inline
def sharpen_backward(logs: Array, shifted: Array, sharpening: Any, weighting: Array, gradient: Array) -> Any:
    """Backpropagate through `sharpen` and the logarithms.

    Args:
        logs: Logarithms of the shifted weighting ``[N]``.
        shifted: The shifted weighting ``[N]``.
        sharpening: The power gamma.
        weighting: The result ``[N]``.
        gradient: Gradients of the result ``[N]``; afterwards, of the shifted weighting.

    Returns:
        The gradient of the power.
    """
    zero = logs.dtype.type(0)
    mean, dsharpening = zero, zero
    for n in range(len(logs)):
        mean += gradient[n] * weighting[n]
    for n in range(len(logs)):
        d = weighting[n] * (gradient[n] - mean)
        dsharpening += d * logs[n]
        gradient[n] = d * sharpening / shifted[n]
    return dsharpening
