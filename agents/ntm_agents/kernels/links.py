"""Temporal links of a DNC, forward and backward: precedence, link matrix, and the ways along it.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Temporal memory linkage"; the mathematics of `precede`, `link` and `follow` in
:mod:`ntm_agents.allocation`.

A matrix is taken a few rows at a time, which are updated and used while they are in the cache. Its rows are
filled up with zeros to whole numbers of panels, for :mod:`ntm_agents.kernels.products`.

Shape letters: N slots, S >= N numbers of a row of a matrix, R read heads.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline
from ntm_agents.kernels.products import PANEL, add_spaced_product, add_turned_product

ROWS = 32
"""Rows of a matrix that are taken at a time."""


def padded(slots: int, itemsize: int) -> int:
    """Return the numbers S of a row of a link matrix, each of so many bytes."""
    lanes = PANEL // itemsize
    return -(-slots // lanes) * lanes


@inline
def precede(before: Array, writing: Array, precedence: Array) -> None:
    """Write the precedence weighting p ``[N]`` after a write, given the one before it."""
    left = before.dtype.type(1)
    for n in range(len(writing)):
        left -= writing[n]
    for n in range(len(writing)):
        precedence[n] = left * before[n] + writing[n]


@inline
def precede_backward(before: Array, writing: Array, dprecedence: Array, dwriting: Array) -> None:
    """Backpropagate through `precede`.

    Args:
        before: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        dprecedence: Gradients of the precedence weighting after the write ``[N]``; afterwards, before it.
        dwriting: Gradients of the write weighting ``[N]``, added to.
    """
    left, dleft = before.dtype.type(1), before.dtype.type(0)
    for n in range(len(writing)):
        left -= writing[n]
        dleft += dprecedence[n] * before[n]
    for n in range(len(writing)):
        dwriting[n] += dprecedence[n] - dleft
        dprecedence[n] *= left


@inline
def link(links: Array, precedence: Array, writing: Array, first: int, behind: int) -> None:
    """Update rows of the link matrix L after a write, in place.

    Args:
        links: Link matrix ``[N, S]``.
        precedence: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        first: First row.
        behind: The one behind the last.
    """
    one, zero = links.dtype.type(1), links.dtype.type(0)
    for i in range(first, behind):
        row, w = links[i], writing[i]
        left = one - w
        for j in range(len(writing)):
            row[j] = (left - writing[j]) * row[j] + w * precedence[j]
        row[i] = zero


@inline
def link_into(before: Array, precedence: Array, writing: Array, after: Array) -> None:
    """Write the link matrix ``[N, S]`` after a write to another place."""
    one, zero = before.dtype.type(1), before.dtype.type(0)
    for i in range(len(writing)):
        row, new, w = before[i], after[i], writing[i]
        left = one - w
        for j in range(len(writing)):
            new[j] = (left - writing[j]) * row[j] + w * precedence[j]
        new[i] = zero
        for j in range(len(writing), len(new)):
            new[j] = zero


@inline
def link_and_follow(links: Array, precedence: Array, writing: Array, reading: Array, ways: Array) -> None:
    """Update the link matrix, in place, and write what was written before and after what was read.

    Args:
        links: Link matrix ``[N, S]``.
        precedence: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        reading: Read weightings of the last step ``[R, N]``.
        ways: Backward weightings of all heads, then forward ones, written ``[2 * R, N]``.
    """
    R, N = reading.shape
    zero = links.dtype.type(0)
    for r in range(2 * R):
        for n in range(N):
            ways[r, n] = zero
    for first in range(0, N, ROWS):
        behind = min(first + ROWS, N)
        link(links, precedence, writing, first, behind)
        add_spaced_product(reading, first, links[first:behind], ways[:R])
        _add_turned(links, reading, first, behind, ways[R:])


@inline
def _add_turned(links: Array, vectors: Array, first: int, behind: int, out: Array) -> None:
    """Add the products of rows of a link matrix ``[N, S]`` with vectors ``[R, N]`` to ``[R, N]``."""
    R, N = vectors.shape
    zero, i = links.dtype.type(0), first
    while i + 3 < behind:
        l0, l1, l2, l3 = links[i], links[i + 1], links[i + 2], links[i + 3]
        r = 0
        while r + 1 < R:
            x, y, one, two = vectors[r], vectors[r + 1], out[r], out[r + 1]
            a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            for j in range(N):
                u, v = x[j], y[j]
                a0 += l0[j] * u
                a1 += l1[j] * u
                a2 += l2[j] * u
                a3 += l3[j] * u
                b0 += l0[j] * v
                b1 += l1[j] * v
                b2 += l2[j] * v
                b3 += l3[j] * v
            one[i], one[i + 1], one[i + 2], one[i + 3] = (
                one[i] + a0,
                one[i + 1] + a1,
                one[i + 2] + a2,
                one[i + 3] + a3,
            )
            two[i], two[i + 1], two[i + 2], two[i + 3] = (
                two[i] + b0,
                two[i + 1] + b1,
                two[i + 2] + b2,
                two[i + 3] + b3,
            )
            r += 2
        if r < R:
            for k in range(i, i + 4):
                out[r, k] += _dot(links[k], vectors[r])
        i += 4
    while i < behind:
        for r in range(R):
            out[r, i] += _dot(links[i], vectors[r])
        i += 1


@inline
def _dot(row: Array, vector: Array) -> Any:
    """Return the product of a row of a link matrix ``[S]`` with a vector ``[N]``."""
    total = vector.dtype.type(0)
    for j in range(len(vector)):
        total += row[j] * vector[j]
    return total


@inline
def link_and_follow_backward(
    before: Array,
    after: Array,
    precedence: Array,
    writing: Array,
    reading: Array,
    dways: Array,
    factors: Array,
    others: Array,
    dlinks: Array,
    dprecedence: Array,
    dwriting: Array,
    dreading: Array,
) -> None:
    """Backpropagate through `link_and_follow`.

    Args:
        before: Link matrix before the write ``[N, S]``.
        after: Link matrix after it ``[N, S]``.
        precedence: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        reading: Read weightings of the last step ``[R, N]``.
        dways: Gradients of the ways ``[2 * R, N]``.
        factors: Scratch ``[2 * R, N]``.
        others: Scratch ``[2 * R, S]``.
        dlinks: Gradients of the link matrix after the write ``[N, S]``; afterwards, before it.
        dprecedence: Gradients of the precedence weighting ``[N]``, added to.
        dwriting: Gradients of the write weighting ``[N]``, added to.
        dreading: Gradients of the read weightings ``[R, N]``, added to.
    """
    R, N = reading.shape
    for r in range(R):
        for n in range(N):
            factors[r, n], others[r, n] = dways[R + r, n], reading[r, n]
        for n in range(N):
            factors[R + r, n], others[R + r, n] = reading[r, n], dways[r, n]
        for n in range(N, others.shape[1]):
            others[r, n], others[R + r, n] = 0, 0
    for first in range(0, N, ROWS):
        behind = min(first + ROWS, N)
        add_spaced_product(dways[R:], first, after[first:behind], dreading)
        _add_turned(after, dways[:R], first, behind, dreading)
        add_turned_product(factors, first, others, dlinks[first:behind])
        _link_backward(before, precedence, writing, first, behind, dlinks, dprecedence, dwriting)


@inline
def _link_backward(
    before: Array,
    precedence: Array,
    writing: Array,
    first: int,
    behind: int,
    dlinks: Array,
    dprecedence: Array,
    dwriting: Array,
) -> None:
    """Backpropagate through `link`, from rows of the gradients of the link matrix after the write."""
    one, zero = before.dtype.type(1), before.dtype.type(0)
    for i in range(first, behind):
        row, drow, w, dw = before[i], dlinks[i], writing[i], zero
        left = one - w
        drow[i] = zero
        for j in range(len(writing)):
            dw += drow[j] * (precedence[j] - row[j])
            dprecedence[j] += drow[j] * w
        for j in range(len(writing)):
            dwriting[j] -= drow[j] * row[j]
            drow[j] *= left - writing[j]
        dwriting[i] += dw
