"""Parameters of the heads of a D-NTM, and vectors that they write.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036), sections 2 and 3; the mathematics of :mod:`ntm_agents.machines.dntm`.

Shape letters are those of :mod:`ntm_agents.kernels.dntm.interface`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ntm_agents.kernels.activations import sigmoid, softplus, softplus_slope
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


class Layout(NamedTuple):
    """Places of the head parameters."""

    heads: int
    """H."""
    writers: int
    """W."""
    address: int
    """A."""
    width: int
    """D."""
    stride: int
    """Parameters of a head: key (A + D), strength and, if there are any, gamma and gate of following."""
    lru: bool
    """True if there is a gamma."""
    follows: bool
    """True if there is a gate of following."""


@inline
def activate_parameters(p: Array, contents: Array, vectors: Array, layout: Layout) -> None:
    """Turn the controller's output into head parameters, in place, and write the vectors of write heads.

    Args:
        p: ``[P]``. Erase vectors and candidates stay as they are.
        contents: Shares of the inputs in what is written ``[W * D]``.
        vectors: Add and erase vector of each write head in turn, written ``[W * 2 * D]``.
        layout: Places of the parameters.
    """
    zero, one, D, W = p.dtype.type(0), p.dtype.type(1), layout.width, layout.writers
    for h in range(layout.heads):
        at = h * layout.stride + layout.address + D
        p[at] = one + softplus(p[at], zero)
        for i in range(at + 1, (h + 1) * layout.stride):
            p[i] = sigmoid(p[i], one)
    first = layout.heads * layout.stride
    for h in range(W):
        gate = first + 2 * W * D + h
        p[gate] = sigmoid(p[gate], one)
        alpha, content = p[gate], contents[h * D : (h + 1) * D]
        erase, candidate = p[first + h * D :][:D], p[first + (W + h) * D :][:D]
        to_add, to_erase = vectors[2 * h * D :][:D], vectors[(2 * h + 1) * D :][:D]
        for m in range(D):
            value = candidate[m] + alpha * content[m]
            to_add[m] = zero if value < zero else value  # NaN stays NaN
            to_erase[m] = sigmoid(erase[m], one)


@inline
def activate_parameters_backward(
    p: Array, dp: Array, contents: Array, dcontents: Array, vectors: Array, dvectors: Array, layout: Layout
) -> None:
    """Backpropagate through `activate_parameters`.

    Args:
        p: Head parameters ``[P]``.
        dp: Their gradients ``[P]``; afterwards, those of the controller's output.
        contents: Shares of the inputs in what is written ``[W * D]``.
        dcontents: Their gradients, written.
        vectors: Add and erase vectors ``[W * 2 * D]``.
        dvectors: Their gradients.
        layout: Places of the parameters.
    """
    zero, one, D, W = p.dtype.type(0), p.dtype.type(1), layout.width, layout.writers
    for h in range(layout.heads):
        at = h * layout.stride + layout.address + D
        dp[at] *= softplus_slope(p[at] - one)
        for i in range(at + 1, (h + 1) * layout.stride):
            dp[i] *= p[i] * (one - p[i])
    first = layout.heads * layout.stride
    for h in range(W):
        gate = first + 2 * W * D + h
        alpha, dalpha = p[gate], zero
        content, dcontent = contents[h * D : (h + 1) * D], dcontents[h * D : (h + 1) * D]
        derase, dcandidate = dp[first + h * D :][:D], dp[first + (W + h) * D :][:D]
        to_add, to_erase = vectors[2 * h * D :][:D], vectors[(2 * h + 1) * D :][:D]
        dadd, dto_erase = dvectors[2 * h * D :][:D], dvectors[(2 * h + 1) * D :][:D]
        for m in range(D):
            d = dadd[m] if to_add[m] > zero else zero
            dcandidate[m] = d
            dcontent[m] = d * alpha
            dalpha += d * content[m]
            derase[m] = dto_erase[m] * to_erase[m] * (one - to_erase[m])
        dp[gate] = dalpha * alpha * (one - alpha)


@inline
def opening(gate: Any, soft: bool, one: Any) -> Any:
    """Return how far a head looks for its own key: with a hard weighting 1, 0, or NaN as the gate."""
    hard = one if gate + gate > one else gate - gate
    return gate if soft else hard
