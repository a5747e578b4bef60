"""Addressing by content with masks, forward and backward: each key is compared with a part of each slot.

Source: Csordas and Schmidhuber, *Improving Differentiable Neural Computers* (arXiv 1904.10278), section 3.1;
the mathematics of `similarity` with masks in :mod:`ntm_agents.addressing`. Without masks they count as ones,
and all keys share the norms of the slots. The weighting is that of :mod:`ntm_agents.kernels.content`.

Shape letters: N slots, M width of a slot and of a key, H heads, G rows of norms: H with masks, otherwise 1.
"""

from __future__ import annotations

import math
from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def compare_masked(
    memory: Array, keys: Array, squares: Array, inside: Any, dots: Array, norms: Array
) -> None:
    """Write the dot products of keys with all slots, and the norms of the slots.

    Args:
        memory: ``[M, N]``.
        keys: Keys times squares of masks ``[H, M]``.
        squares: Squares of masks ``[>= G, M]``.
        inside: Term under the root.
        dots: Dot products, written ``[H, N]``.
        norms: Norms of the slots, written ``[G, N]``.
    """
    width, slots = memory.shape
    zero = memory.dtype.type(0)
    for g in range(len(norms)):
        for n in range(slots):
            norms[g, n] = inside
    for h in range(len(dots)):
        for n in range(slots):
            dots[h, n] = zero
    m = 0
    while m + 3 < width:
        m0, m1, m2, m3 = memory[m], memory[m + 1], memory[m + 2], memory[m + 3]
        for g in range(len(norms)):
            s0, s1, s2, s3 = squares[g, m], squares[g, m + 1], squares[g, m + 2], squares[g, m + 3]
            row = norms[g]
            for n in range(slots):
                x0, x1, x2, x3 = m0[n], m1[n], m2[n], m3[n]
                row[n] += s0 * x0 * x0 + s1 * x1 * x1 + s2 * x2 * x2 + s3 * x3 * x3
        for h in range(len(dots)):
            k0, k1, k2, k3 = keys[h, m], keys[h, m + 1], keys[h, m + 2], keys[h, m + 3]
            row = dots[h]
            for n in range(slots):
                row[n] += k0 * m0[n] + k1 * m1[n] + k2 * m2[n] + k3 * m3[n]
        m += 4
    while m < width:
        for g in range(len(norms)):
            for n in range(slots):
                norms[g, n] += squares[g, m] * memory[m, n] * memory[m, n]
        for h in range(len(dots)):
            for n in range(slots):
                dots[h, n] += keys[h, m] * memory[m, n]
        m += 1
    for g in range(len(norms)):
        for n in range(slots):
            norms[g, n] = math.sqrt(norms[g, n])


@inline
def compare_masked_backward(
    memory: Array,
    keys: Array,
    squares: Array,
    ddots: Array,
    dnorms: Array,
    dmemory: Array,
    dkeys: Array,
    dsquares: Array,
) -> None:
    """Backpropagate through `compare_masked`.

    Args:
        memory: ``[M, N]``.
        keys: Keys times squares of masks ``[H, M]``.
        squares: Squares of masks ``[>= G, M]``.
        ddots: Gradients of the dot products ``[H, N]``.
        dnorms: Gradients of the norms of the slots, divided by these norms ``[G, N]``.
        dmemory: Gradients of the memory ``[M, N]``, added to.
        dkeys: Gradients of the keys times squares, written ``[H, M]``.
        dsquares: Gradients of the squares through the norms of the slots, written ``[>= G, M]``.
    """
    width, slots = memory.shape
    zero, two = memory.dtype.type(0), memory.dtype.type(2)
    for m in range(width):
        row, drow = memory[m], dmemory[m]
        h = 0
        while h + 1 < len(ddots):
            key, other, dkey, dother, ddot, dmore = (
                keys[h, m],
                keys[h + 1, m],
                zero,
                zero,
                ddots[h],
                ddots[h + 1],
            )
            for n in range(slots):
                dkey += ddot[n] * row[n]
                dother += dmore[n] * row[n]
                drow[n] += ddot[n] * key + dmore[n] * other
            dkeys[h, m], dkeys[h + 1, m] = dkey, dother
            h += 2
        if h < len(ddots):
            key, dkey, ddot = keys[h, m], zero, ddots[h]
            for n in range(slots):
                dkey += ddot[n] * row[n]
                drow[n] += ddot[n] * key
            dkeys[h, m] = dkey
        for g in range(len(dnorms)):
            square, dsquare, dnorm = squares[g, m], zero, dnorms[g]
            for n in range(slots):
                d = dnorm[n] * row[n]
                dsquare += d * row[n]
                drow[n] += d * square
            dsquares[g, m] = dsquare / two


@inline
def mask_key(key: Array, mask: Array, masked: Array, squares: Array, inside: Any) -> Any:
    """Write a key times the squares of its mask, and these squares, and return the norm of the masked key.

    Args:
        key: ``[M]``.
        mask: ``[M]``; empty for ones.
        masked: Written ``[M]``.
        squares: Written ``[M]``.
        inside: Term under the root.
    """
    total, one = inside, key.dtype.type(1)
    for m in range(len(key)):
        square = mask[m] * mask[m] if len(mask) else one
        squares[m] = square
        masked[m] = key[m] * square
        total += key[m] * key[m] * square
    return math.sqrt(total)


@inline
def mask_key_backward(
    key: Array,
    mask: Array,
    squares: Array,
    dmasked: Array,
    dsquares: Array,
    dnorm: Any,
    dkey: Array,
    dmask: Array,
) -> None:
    """Backpropagate through `mask_key`.

    Args:
        key: ``[M]``.
        mask: ``[M]``; empty for ones.
        squares: What `mask_key` wrote ``[M]``.
        dmasked: Gradients of the masked key ``[M]``.
        dsquares: Gradients of the squares through the norms of the slots ``[M]``.
        dnorm: Gradient of the norm of the masked key, divided by this norm.
        dkey: Gradients of the key, written ``[M]``.
        dmask: Gradients of the mask, written ``[M]``; empty for ones.
    """
    two = key.dtype.type(2)
    for m in range(len(key)):
        dkey[m] = (dmasked[m] + dnorm * key[m]) * squares[m]
    for m in range(len(mask)):
        d = dsquares[m] + dmasked[m] * key[m] + dnorm * key[m] * key[m] / two
        dmask[m] = two * mask[m] * d
