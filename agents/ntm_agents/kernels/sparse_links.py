"""Temporal links of a DNC that keep the K largest entries of each row, forward and backward.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Sparse link matrix"; the mathematics of :mod:`ntm_agents.sparse_links`.

What is chosen at a step lies in one row of int64 per sequence, the *choices*, so that the backward pass
has the same ones: the K rows of the largest writes, the K columns of the largest precedence, and of each
of these rows its K columns before the write (-1 where the entry is 0), and the places of the K largest of
its 2 K candidates; K numbers behind them are scratch. The first K candidates of a row are its entries, the
others the new ones.

Shape letters: N slots, R read heads, K entries of a row.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def _largest(values: Array, places: Array, room: Array) -> None:
    """Write the places of the largest values ``[I]``, earlier ones first among equals.

    Args:
        values: At least as many as places.
        places: Written, int64 ``[K]``.
        room: Scratch ``[K]``, for the values in these places.
    """
    count, most = 0, len(places)
    for i in range(len(values)):
        x = values[i]
        if count < most or x > room[most - 1]:
            k = min(count, most - 1)
            while k > 0 and x > room[k - 1]:
                room[k], places[k] = room[k - 1], places[k - 1]
                k -= 1
            room[k], places[k] = x, i
            count = min(count + 1, most)


@inline
def choose_links(
    before: Array,
    columns: Array,
    precedence: Array,
    writing: Array,
    kept: Array,
    candidates: Array,
    room: Array,
    choices: Array,
) -> None:
    """Choose what the link matrix keeps after a write.

    Args:
        before: Entries before the write ``[N, K]``.
        columns: Their columns, int64 ``[N, K]``.
        precedence: Precedence weighting before the write ``[N]``.
        writing: Write weighting ``[N]``.
        kept: Scratch ``[N]``; afterwards, the K largest weights of the write weighting, and zeros.
        candidates: Scratch ``[2 * K]``.
        room: Scratch ``[K]``.
        choices: Written, int64 ``[(3 + 2 * K) * K]``; the last K are scratch.
    """
    zero, K = before.dtype.type(0), before.shape[1]
    _largest(writing, choices[:K], room)
    _largest(precedence, choices[K : 2 * K], room)
    keep_largest(writing, choices, K, kept)
    for a in range(K):
        row = choices[a]
        old = choices[(2 + a) * K : (3 + a) * K]
        for k in range(K):
            candidates[k] = _decayed(before, columns, kept, row, k)
            old[k] = columns[row, k] if candidates[k] != zero else -1
        _add_new(choices, K, a, precedence, kept[row], candidates)
        _largest(candidates, choices[(2 + K + a) * K : (3 + K + a) * K], room)


@inline
def keep_largest(writing: Array, choices: Array, K: int, kept: Array) -> None:
    """Write the K largest weights of a write weighting ``[N]``, and zeros elsewhere ``[N]``."""
    for n in range(len(kept)):
        kept[n] = 0
    for a in range(K):
        kept[choices[a]] = writing[choices[a]]


@inline
def _decayed(before: Array, columns: Array, kept: Array, row: Any, k: int) -> Any:
    """Return what a write leaves of an entry."""
    return (before.dtype.type(1) - kept[row] - kept[columns[row, k]]) * before[row, k]


@inline
def _add_new(choices: Array, K: int, a: int, precedence: Array, weight: Any, candidates: Array) -> None:
    """Add the new entries of a row to the old ones of their columns or, without any, behind them."""
    row, old, zero = choices[a], choices[(2 + a) * K : (3 + a) * K], precedence.dtype.type(0)
    for k in range(K):
        column = choices[K + k]
        new = weight * precedence[column] if column != row else zero
        candidates[K + k] = new
        for j in range(K):
            if old[j] == column:
                candidates[j] += new
                candidates[K + k] = zero


@inline
def link_sparse(
    before: Array,
    columns: Array,
    precedence: Array,
    kept: Array,
    choices: Array,
    candidates: Array,
    after: Array,
    columns_after: Array,
) -> None:
    """Write the links after a write; they may take the place of those before.

    Args:
        before: Entries before the write ``[N, K]``.
        columns: Their columns, int64 ``[N, K]``.
        precedence: Precedence weighting before the write ``[N]``.
        kept: What `keep_largest` wrote ``[N]``.
        choices: What `choose_links` wrote.
        candidates: Scratch ``[2 * K]``.
        after: The result, written ``[N, K]``.
        columns_after: Its columns, written, int64 ``[N, K]``.
    """
    K = before.shape[1]
    for n in range(len(before)):
        for k in range(K):
            after[n, k] = _decayed(before, columns, kept, n, k)
            columns_after[n, k] = columns[n, k]
    for a in range(K):
        row, places = choices[a], choices[(2 + K + a) * K : (3 + K + a) * K]
        for k in range(K):
            candidates[k] = after[row, k]
        _add_new(choices, K, a, precedence, kept[row], candidates)
        # Places of old entries may be needed after others have come there.
        own = choices[(2 + 2 * K) * K :]
        for k in range(K):
            own[k] = columns_after[row, k]
        for k in range(K):
            place = places[k]
            after[row, k] = candidates[place]
            columns_after[row, k] = own[place] if place < K else choices[K + place - K]


@inline
def follow_sparse(links: Array, columns: Array, reading: Array, ways: Array) -> None:
    """Write what was written before and after what was read.

    Args:
        links: Entries ``[N, K]``.
        columns: Their columns, int64 ``[N, K]``.
        reading: Read weightings of the last step ``[R, N]``.
        ways: Backward weightings of all heads, then forward ones, written ``[2 * R, N]``.
    """
    zero, R = links.dtype.type(0), len(reading)
    for r in range(R):
        read, backward, forward = reading[r], ways[r], ways[R + r]
        for n in range(len(links)):
            backward[n] = zero
        for i in range(len(links)):
            x, total = read[i], zero
            for k in range(links.shape[1]):
                value, column = links[i, k], columns[i, k]
                total += value * read[column]
                backward[column] += value * x
            forward[i] = total


@inline
def follow_sparse_backward(
    links: Array, columns: Array, reading: Array, dways: Array, dlinks: Array, dreading: Array
) -> None:
    """Backpropagate through `follow_sparse`.

    Args:
        links: Entries ``[N, K]``.
        columns: Their columns, int64 ``[N, K]``.
        reading: Read weightings of the last step ``[R, N]``.
        dways: Gradients of the ways ``[2 * R, N]``.
        dlinks: Gradients of the entries ``[N, K]``, added to.
        dreading: Gradients of the read weightings ``[R, N]``, added to.
    """
    R = len(reading)
    for r in range(R):
        read, dread, dbackward, dforward = reading[r], dreading[r], dways[r], dways[R + r]
        for i in range(len(links)):
            x, d, dx = read[i], dforward[i], links.dtype.type(0)
            for k in range(links.shape[1]):
                value, column = links[i, k], columns[i, k]
                dlinks[i, k] += d * read[column] + x * dbackward[column]
                dx += value * dbackward[column]
                dread[column] += value * d
            dread[i] += dx


@inline
def link_sparse_backward(
    before: Array,
    columns: Array,
    precedence: Array,
    kept: Array,
    choices: Array,
    dcandidates: Array,
    dlinks: Array,
    dprecedence: Array,
    dwriting: Array,
    dkept: Array,
) -> None:
    """Backpropagate through `link_sparse`, but not through the choices.

    Args:
        before: Entries before the write ``[N, K]``.
        columns: Their columns, int64 ``[N, K]``.
        precedence: Precedence weighting before the write ``[N]``.
        kept: What `keep_largest` wrote ``[N]``.
        choices: What `choose_links` wrote.
        dcandidates: Scratch ``[2 * K]``.
        dlinks: Gradients of the entries after the write ``[N, K]``; afterwards, before it.
        dprecedence: Gradients of the precedence weighting ``[N]``, added to.
        dwriting: Gradients of the write weighting ``[N]``, added to.
        dkept: Scratch ``[N]``.
    """
    zero, one, K = before.dtype.type(0), before.dtype.type(1), before.shape[1]
    for n in range(len(dkept)):
        dkept[n] = zero
    for a in range(K):
        row, old, weight = choices[a], choices[(2 + a) * K : (3 + a) * K], kept[choices[a]]
        places = choices[(2 + K + a) * K : (3 + K + a) * K]
        for k in range(2 * K):
            dcandidates[k] = zero
        for k in range(K):
            dcandidates[places[k]] = dlinks[row, k]
        for k in range(K):
            dlinks[row, k] = dcandidates[k]
            column, dnew, alone = choices[K + k], zero, True
            for j in range(K):
                if old[j] == column:
                    dnew += dcandidates[j]
                    alone = False
            if alone:
                dnew = dcandidates[K + k]
            if row != column:
                dkept[row] += dnew * precedence[column]
                dprecedence[column] += dnew * weight
    for n in range(len(before)):
        for k in range(K):
            column, d = columns[n, k], dlinks[n, k] * before[n, k]
            dlinks[n, k] *= one - kept[n] - kept[column]
            dkept[n] -= d
            dkept[column] -= d
    for a in range(K):
        dwriting[choices[a]] += dkept[choices[a]]
