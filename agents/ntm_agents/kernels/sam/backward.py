"""The backward loop of a SAM: gradients of all results of the forward loop, derived by hand.

The gradient of the memory is an array like the memory, of which each step touches the slots that it has read
and written. No gradient goes through the choice of slots.

Shape letters are those of :mod:`ntm_agents.kernels.sam.interface`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.activations import SIGMOID, activate_backward, softplus_slope
from ntm_agents.kernels.arithmetic import Array, add_to, copy, zero
from ntm_agents.kernels.compilation import entry, inline, paste
from ntm_agents.kernels.content import look_up, look_up_backward, norm
from ntm_agents.kernels.control import control_backward
from ntm_agents.kernels.nearest import compare_rows, dot
from ntm_agents.kernels.products import pack
from ntm_agents.kernels.sam.arguments import Gradients, Scratch, Settings, Trail
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.weights import Matrices


@entry
def backward(
    settings: Settings,
    weights: Matrices,
    scratch: Scratch,
    tiles: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through T steps of some tiles of the batch.

    Args:
        settings: Numbers that `forward` was given.
        weights: Weights that `forward` was given.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        trail: Arrays that `forward` left.
        gradients: Gradients that are given, and room for those that are computed.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T = len(trail.gates)
    pack(weights.recurrent, scratch.recurrent)
    pack(weights.output, scratch.output)
    pack(weights.last, scratch.last)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        dfeatures = scratch.dfeatures[: last - first]
        for b in range(last - first):
            zero(dfeatures[b])
        for t in range(T - 1, -1, -1):
            add_to(dfeatures, gradients.features[t, first:last])
            for b in range(first, last):
                if len(gradients.weightings):
                    add_to(gradients.weighting[b], gradients.weightings[t, b])
                _read_backward(t, b, b - first, settings, scratch, trail, gradients)
                _write_backward(t, b, settings, trail, gradients)
                activate_parameters_backward(
                    trail.parameters[t, b], gradients.parameters[t, b], settings.heads, settings.width
                )
            control_backward(t, first, last, 0, scratch, trail, gradients)
        copy(dfeatures, gradients.first[first:last])
    restore(before_kernel)


@inline
def activate_parameters_backward(p: Array, dp: Array, heads: int, width: int) -> None:
    """Turn gradients of parameters ``[P]`` into those of the interface vector, in place."""
    one = p.dtype.type(1)
    for h in range(heads):
        at = h * (2 * width + 3) + width
        dp[at] *= softplus_slope(p[at] - one)
        activate_backward(p[at + 1 : at + 3], dp[at + 1 : at + 3], SIGMOID)


@paste
def _read_backward(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through reads and read weightings of a sequence, to its memory and keys."""
    p, dp, M, epsilons = trail.parameters[t, b], gradients.parameters[t, b], settings.width, settings.epsilons
    slots, dmemory = trail.slots[t + 1, b], gradients.memory[b]
    dots, norms, dnorms = scratch.dots, scratch.norms, scratch.dnorms
    content, dcontent = scratch.content, scratch.dcontent
    for h in range(settings.heads):
        at, rows = h * (2 * M + 3), trail.rows[t, b, h]
        key, dkey, strength = p[at : at + M], dp[at : at + M], p[at + M]
        dreads, key_norm = scratch.dfeatures[i, h * M : (h + 1) * M], norm(p[at : at + M], epsilons.inside)
        compare_rows(rows, key, epsilons, dots, norms)
        look_up(dots, norms, key_norm, epsilons, strength, content)
        zero(dnorms)
        for k in range(len(rows)):
            dcontent[k] = gradients.weighting[b, h, k] + dot(dreads, rows[k])
        dp[at + M], dkey_norm = look_up_backward(
            dots, norms, key_norm, epsilons, strength, content, dcontent, dnorms
        )
        for m in range(M):
            dkey[m] = dkey_norm * key[m]
        for k in range(len(rows)):
            row, drow, weight, ddot, dnorm = rows[k], dmemory[slots[h, k]], content[k], dcontent[k], dnorms[k]
            for m in range(M):
                dkey[m] += ddot * row[m]
                drow[m] += weight * dreads[m] + ddot * key[m] + dnorm * row[m]


@paste
def _write_backward(
    t: int, b: int, settings: Settings, trail: Trail[Array], gradients: Gradients[Array]
) -> None:
    """Backpropagate through the write of a sequence, to its memory and read weightings before the step."""
    p, dp, M = trail.parameters[t, b], gradients.parameters[t, b], settings.width
    previous, slots, free = trail.weightings[t, b], trail.slots[t, b], trail.free[t, b]
    dmemory, dprevious = gradients.memory[b], gradients.weighting[b]
    one = dmemory.dtype.type(1)
    for h in range(settings.heads):
        at = h * (2 * M + 3) + M
        alpha, gamma, add, dadd = p[at + 1], p[at + 2], p[at + 3 : at + 3 + M], dp[at + 3 : at + 3 + M]
        drow = dmemory[free[h]]
        found = dot(drow, add)
        dalpha, dgamma, weight = (one - gamma) * found, -alpha * found, alpha * (one - gamma)
        for m in range(M):
            dadd[m] = weight * drow[m]
        for k in range(slots.shape[1]):
            drow = dmemory[slots[h, k]]
            found, weight = dot(drow, add), alpha * gamma * previous[h, k]
            dalpha += gamma * previous[h, k] * found
            dgamma += alpha * previous[h, k] * found
            dprevious[h, k] = alpha * gamma * found
            for m in range(M):
                dadd[m] += weight * drow[m]
        dp[at + 1], dp[at + 2] = dalpha, dgamma
    for h in range(settings.heads):
        zero(dmemory[free[h]])
