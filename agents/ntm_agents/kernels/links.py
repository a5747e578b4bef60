"""Temporal links of a DNC, forward and backward: precedence, link matrix, and the ways along it.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Temporal memory linkage"; the mathematics of `precede`, `link` and `follow` in
:mod:`ntm_agents.allocation`.

Each row of a link matrix is updated and used at once, while it is in the first-level cache.

Shape letters: N slots, R read heads.
"""

from __future__ import annotations

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


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
def link(before: Array, precedence: Array, writing: Array, after: Array) -> None:
    """Write the link matrix L ``[N, N]`` after a write; it may take the place of the one before.

    Args:
        before: Link matrix before the write ``[N, N]``.
        precedence: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        after: The result, written ``[N, N]``.
    """
    one, zero = before.dtype.type(1), before.dtype.type(0)
    for i in range(len(writing)):
        old, new, w = before[i], after[i], writing[i]
        left = one - w
        for j in range(len(writing)):
            new[j] = (left - writing[j]) * old[j] + w * precedence[j]
        new[i] = zero


@inline
def follow(links: Array, reading: Array, ways: Array) -> None:
    """Write what was written before and after what was read.

    Args:
        links: Link matrix ``[N, N]``.
        reading: Read weightings of the last step ``[R, N]``.
        ways: Backward weightings of all heads, then forward ones, written ``[2 * R, N]``.
    """
    zero, R = links.dtype.type(0), len(reading)
    for r in range(R):
        for n in range(len(links)):
            ways[r, n] = zero
    for i in range(len(links)):
        row = links[i]
        for r in range(R):
            read, backward, forward = reading[r], ways[r], zero
            x = read[i]
            for j in range(len(row)):
                forward += row[j] * read[j]
            for j in range(len(row)):
                backward[j] += row[j] * x
            ways[R + r, i] = forward


@inline
def follow_backward(links: Array, reading: Array, dways: Array, dlinks: Array, dreading: Array) -> None:
    """Backpropagate through `follow`.

    Args:
        links: Link matrix ``[N, N]``.
        reading: Read weightings of the last step ``[R, N]``.
        dways: Gradients of the ways ``[2 * R, N]``.
        dlinks: Gradients of the link matrix ``[N, N]``, added to.
        dreading: Gradients of the read weightings ``[R, N]``, added to.
    """
    R = len(reading)
    for i in range(len(links)):
        row, drow = links[i], dlinks[i]
        for r in range(R):
            read, dread, dbackward = reading[r], dreading[r], dways[r]
            x, dforward, dx = read[i], dways[R + r, i], links.dtype.type(0)
            for j in range(len(row)):
                drow[j] += dforward * read[j] + x * dbackward[j]
            for j in range(len(row)):
                dx += row[j] * dbackward[j]
            for j in range(len(row)):
                dread[j] += row[j] * dforward
            dread[i] += dx


@inline
def link_backward(
    before: Array, precedence: Array, writing: Array, dlinks: Array, dprecedence: Array, dwriting: Array
) -> None:
    """Backpropagate through `link`.

    Args:
        before: Link matrix before the write ``[N, N]``.
        precedence: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        dlinks: Gradients of the link matrix after the write ``[N, N]``; afterwards, before it.
        dprecedence: Gradients of the precedence weighting ``[N]``, added to.
        dwriting: Gradients of the write weighting ``[N]``, added to.
    """
    one, zero = before.dtype.type(1), before.dtype.type(0)
    for i in range(len(writing)):
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
