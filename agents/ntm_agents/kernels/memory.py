"""Reading and writing a memory, forward and backward: weighted reads, and writes that erase and add.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), sections 3.1 and 3.2,
equations 2 to 4; the mathematics of `read` and `write` in :mod:`ntm_agents.addressing`.

A memory lies with its slots last, ``[M, N]``. The vectors of W write heads lie in one array ``[W * 2 *
M]``, add and erase vector of each head in turn, or ``[W * M]`` if a head erases with ones. Several heads
go two by two; a last one without a partner goes with the row behind, of a read head, whose vectors are
zero.

Loops go along slices of rows, as a slice of the memory has an unknown stride, and an index that does not
begin at 0 might be negative, which NumPy's rules make another slot.

Shape letters: N slots, M width of a slot, W write heads, H >= 2 heads in all, write heads first.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def read(memory: Array, weighting: Array, first: int, behind: int, out: Array) -> None:
    """Write the read vector ``[M]``: equation 2.

    Args:
        memory: ``[M, N]``.
        weighting: ``[N]``.
        first: First slot to read.
        behind: The one behind the last.
        out: The result, written ``[M]``.
    """
    width, slots = len(memory), behind - first
    zero, weights = memory.dtype.type(0), weighting[first:behind]
    m = 0
    while m + 3 < width:
        m0, m1 = memory[m][first:behind], memory[m + 1][first:behind]
        m2, m3 = memory[m + 2][first:behind], memory[m + 3][first:behind]
        r0, r1, r2, r3 = zero, zero, zero, zero
        for n in range(slots):
            w = weights[n]
            r0 += w * m0[n]
            r1 += w * m1[n]
            r2 += w * m2[n]
            r3 += w * m3[n]
        out[m], out[m + 1], out[m + 2], out[m + 3] = r0, r1, r2, r3
        m += 4
    while m < width:
        row, total = memory[m][first:behind], zero
        for n in range(slots):
            total += weights[n] * row[n]
        out[m] = total
        m += 1


@inline
def read_backward(memory: Array, weighting: Array, dout: Array, dmemory: Array, dweighting: Array) -> None:
    """Add gradients of memory ``[M, N]`` and weighting ``[N]``, given those of the read vector ``[M]``."""
    width, slots = memory.shape
    m = 0
    while m + 3 < width:
        m0, m1, m2, m3 = memory[m], memory[m + 1], memory[m + 2], memory[m + 3]
        d0, d1, d2, d3 = dmemory[m], dmemory[m + 1], dmemory[m + 2], dmemory[m + 3]
        r0, r1, r2, r3 = dout[m], dout[m + 1], dout[m + 2], dout[m + 3]
        for n in range(slots):
            dweighting[n] += r0 * m0[n] + r1 * m1[n] + r2 * m2[n] + r3 * m3[n]
        for n in range(slots):
            w = weighting[n]
            d0[n] += w * r0
            d1[n] += w * r1
            d2[n] += w * r2
            d3[n] += w * r3
        m += 4
    while m < width:
        for n in range(slots):
            dmemory[m, n] += weighting[n] * dout[m]
            dweighting[n] += dout[m] * memory[m, n]
        m += 1


@inline
def _vectors(p: Array, h: int, writers: int, width: int, m: int) -> tuple[Any, Any]:
    """Return column m of a head's add and erase vector; zeros if there is no such write head."""
    each = len(p) // writers
    if h >= writers:
        return p.dtype.type(0), p.dtype.type(0)
    return p[h * each + m], p[h * each + width + m] if each > width else p.dtype.type(1)


@inline
def add_vectors(memory: Array, weighting: Array, p: Array, stride: int, writers: int) -> None:
    """Add to all slots, in place, without erasing.

    Args:
        memory: ``[M, N]``.
        weighting: ``[H, N]``.
        p: The vector of head h begins at ``h * stride``.
        stride: Distance of vectors.
        writers: W.
    """
    for m in range(len(memory)):
        _add_several(memory[m], weighting, p, stride, writers, m, 0, memory.shape[1])


@inline
def add_vectors_backward(
    weighting: Array, p: Array, stride: int, writers: int, dmemory: Array, dweighting: Array, dp: Array
) -> None:
    """Backpropagate through `add_vectors`.

    Args:
        weighting: ``[H, N]``.
        p: The vector of head h begins at ``h * stride``.
        stride: Distance of vectors.
        writers: W.
        dmemory: Gradients of the memory ``[M, N]``.
        dweighting: Gradients of the weightings ``[H, N]``, added to.
        dp: Gradients of the vectors, written; they lie as the vectors do.
    """
    for m in range(len(dmemory)):
        _add_several_backward(m, stride, weighting, p, writers, dmemory[m], dweighting, dp)


@inline
def write(memory: Array, weighting: Array, p: Array, writers: int, first: int, behind: int) -> None:
    """Erase and add, in place: equations 3 and 4.

    Args:
        memory: ``[M, N]``.
        weighting: ``[H, N]``.
        p: Add and erase vectors.
        writers: W.
        first: First slot to write.
        behind: The one behind the last.
    """
    width, slots = len(memory), behind - first
    for m in range(width):
        row = memory[m][first:behind]
        if writers == 1:
            w = weighting[0][first:behind]
            add, erase = _vectors(p, 0, writers, width, m)
            for n in range(slots):
                x = row[n]
                row[n] = x + w[n] * (add - erase * x)
        else:
            _write_several(row, weighting, p, writers, width, m, first, behind)


@inline
def rewrite(memory: Array, weighting: Array, p: Array, writers: int, after: Array) -> None:
    """Write all slots like `write`, but into another memory ``[M, N]``.

    The loops of both are plain ones if a function that has two memories is given the same one twice.
    """
    width, slots = memory.shape
    for m in range(width):
        row, new = memory[m], after[m]
        if writers == 1:
            w = weighting[0]
            add, erase = _vectors(p, 0, writers, width, m)
            for n in range(slots):
                x = row[n]
                new[n] = x + w[n] * (add - erase * x)
        else:
            for n in range(slots):
                new[n] = row[n]
            _write_several(new, weighting, p, writers, width, m, 0, slots)


@inline
def _write_several(
    row: Array, weighting: Array, p: Array, writers: int, width: int, m: int, first: int, behind: int
) -> None:
    """Write with several heads to some slots of column m: all erase before any of them adds."""
    one = row.dtype.type(1)
    for h in range(0, writers, 2):
        w, v = weighting[h][first:behind], weighting[h + 1][first:behind]
        erase, other = _vectors(p, h, writers, width, m)[1], _vectors(p, h + 1, writers, width, m)[1]
        for n in range(len(row)):
            row[n] *= (one - w[n] * erase) * (one - v[n] * other)
    _add_several(row, weighting, p, len(p) // writers, writers, m, first, behind)


@inline
def _element(p: Array, h: int, stride: int, writers: int, m: int) -> Any:
    """Return column m of the vector that a head adds; zero if there is no such write head."""
    return p[h * stride + m] if h < writers else p.dtype.type(0)


@inline
def _add_several(
    row: Array, weighting: Array, p: Array, stride: int, writers: int, m: int, first: int, behind: int
) -> None:
    """Add with several heads to some slots of column m."""
    for h in range(0, writers, 2):
        w, v = weighting[h][first:behind], weighting[h + 1][first:behind]
        add, other = _element(p, h, stride, writers, m), _element(p, h + 1, stride, writers, m)
        for n in range(len(row)):
            row[n] += w[n] * add + v[n] * other


@inline
def write_backward(
    memory: Array,
    weighting: Array,
    p: Array,
    writers: int,
    dmemory: Array,
    dweighting: Array,
    dp: Array,
    kept: Array,
) -> None:
    """Backpropagate through `write`.

    Args:
        memory: Memory before the write ``[M, N]``.
        weighting: ``[H, N]``.
        p: Add and erase vectors.
        writers: W.
        dmemory: Gradients of the memory after the write ``[M, N]``; afterwards, before it.
        dweighting: Gradients of the weightings ``[H, N]``, added to.
        dp: Gradients of add and erase vectors, written.
        kept: Scratch ``[W, N]``.
    """
    width = len(memory)
    done = 0
    if writers == 1:
        done = _write_one_backward(memory, weighting[0], p, dmemory, dweighting[0], dp)
    for m in range(done, width):
        _add_several_backward(m, len(p) // writers, weighting, p, writers, dmemory[m], dweighting, dp)
        _erase_backward(m, memory, weighting, p, writers, dmemory[m], dweighting, dp, kept)


@inline
def _write_one_backward(memory: Array, w: Array, p: Array, dmemory: Array, dw: Array, dp: Array) -> int:
    """Backpropagate through the write of one head, two rows at a time; return how many rows are done."""
    width, slots = memory.shape
    zero, one = memory.dtype.type(0), memory.dtype.type(1)
    m = 0
    while m + 1 < width:
        row, other, drow, dother = memory[m], memory[m + 1], dmemory[m], dmemory[m + 1]
        a0, a1, e0, e1 = p[m], p[m + 1], one, one
        if len(p) > width:
            e0, e1 = p[width + m], p[width + m + 1]
        da0, da1, de0, de1 = zero, zero, zero, zero
        for n in range(slots):
            d0, d1, x0, x1 = drow[n], dother[n], row[n], other[n]
            c0, c1 = d0 * w[n], d1 * w[n]
            da0 += c0
            da1 += c1
            de0 += c0 * x0
            de1 += c1 * x1
            dw[n] += d0 * (a0 - e0 * x0) + d1 * (a1 - e1 * x1)
            drow[n] = d0 - c0 * e0
            dother[n] = d1 - c1 * e1
        dp[m], dp[m + 1] = da0, da1
        if len(p) > width:
            dp[width + m], dp[width + m + 1] = -de0, -de1
        m += 2
    return m


@inline
def _add_several_backward(
    m: int, stride: int, weighting: Array, p: Array, writers: int, drow: Array, dweighting: Array, dp: Array
) -> None:
    """Backpropagate through the addition of all heads to column m, given gradients of the column ``[N]``."""
    zero = p.dtype.type(0)
    for h in range(0, writers, 2):
        w, v, dw, dv = weighting[h], weighting[h + 1], dweighting[h], dweighting[h + 1]
        add, other = _element(p, h, stride, writers, m), _element(p, h + 1, stride, writers, m)
        dadd, dother = zero, zero
        for n in range(len(drow)):
            d = drow[n]
            dadd += d * w[n]
            dother += d * v[n]
            dw[n] += d * add
            dv[n] += d * other
        dp[h * stride + m] = dadd
        if h + 1 < writers:
            dp[(h + 1) * stride + m] = dother


@inline
def _erase_backward(
    m: int,
    memory: Array,
    weighting: Array,
    p: Array,
    writers: int,
    drow: Array,
    dweighting: Array,
    dp: Array,
    kept: Array,
) -> None:
    """Backpropagate through the erasing of column m by all heads; its gradients ``[N]`` change in place."""
    width, slots = memory.shape
    zero, one, each = memory.dtype.type(0), memory.dtype.type(1), len(p) // writers
    for n in range(slots):
        kept[0, n] = memory[m, n]
    for h in range(2, writers, 2):  # what the pairs before have left
        w, v, left, after = weighting[h - 2], weighting[h - 1], kept[h - 2], kept[h]
        erase = _vectors(p, h - 2, writers, width, m)[1]
        other = _vectors(p, h - 1, writers, width, m)[1]
        for n in range(slots):
            after[n] = left[n] * (one - w[n] * erase) * (one - v[n] * other)
    for h in range((writers - 1) // 2 * 2, -1, -2):
        w, v, dw, dv = weighting[h], weighting[h + 1], dweighting[h], dweighting[h + 1]
        erase = _vectors(p, h, writers, width, m)[1]
        other = _vectors(p, h + 1, writers, width, m)[1]
        left, derase, dother = kept[h], zero, zero
        for n in range(slots):
            d, x = drow[n], left[n]
            keep = one - w[n] * erase
            change = d * x * keep
            dother += change * v[n]
            dv[n] -= change * other
            d -= d * v[n] * other
            change = d * x
            derase += change * w[n]
            dw[n] -= change * erase
            drow[n] = d * keep
        if each > width:
            dp[h * each + width + m] = -derase
            if h + 1 < writers:
                dp[(h + 1) * each + width + m] = -dother
