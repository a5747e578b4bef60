"""The step of a tape, forward and backward: a write under the head, and a mixture of moves.

The mathematics is that of :class:`ntm_agents.machines.tape_rnn.TapeRNN`. A move shifts a whole tape, so its
numbers, in a row, are those of two pieces of the other.

Shape letters: B sequences, S tapes, N cells, W numbers of a cell, M of them written, A moves.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.checks import check_integers, check_tensors, dimensions
from ntm_agents.kernels.compilation import entry, inline
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.tensors import arrays, refuse_second_derivatives


@inline
def _add(total: Array, weight: Any, row: Array) -> None:
    """Add a weight times a row to a total of the same length."""
    for i in range(len(total)):
        total[i] += weight * row[i]


@inline
def _add_round(total: Array, weight: Any, row: Array, start: Any) -> None:
    """Add a weight times a row, which begins at a place and goes round, to a total; both ``[N * W]``."""
    rest = len(row) - start
    _add(total[:rest], weight, row[start:])
    _add(total[rest:], weight, row[:start])


@inline
def _dot(one: Array, other: Array) -> Any:
    """Return the scalar product of two rows of the same length."""
    total = one.dtype.type(0)
    for i in range(len(one)):
        total += one[i] * other[i]
    return total


@entry
def _forward(tape: Array, weights: Array, distances: Array, width: int, moved: Array) -> None:
    """Add mixtures of moves.

    Args:
        tape: Tapes ``[B, S, N * W]``.
        weights: Weights of the moves ``[B, S, A]``.
        distances: Cells by which a head moves, from 0 to N - 1, int64 ``[B, A]``.
        width: W.
        moved: The result, added to ``[B, S, N * W]``.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    B, S, A = weights.shape
    for b in range(B):
        for s in range(S):
            for a in range(A):
                _add_round(moved[b, s], weights[b, s, a], tape[b, s], distances[b, a] * width)
    restore(before_kernel)


@entry
def _backward(
    tape: Array, weights: Array, distances: Array, width: int, dmoved: Array, dtape: Array, dweights: Array
) -> None:
    """Add to gradients of tapes, and write those of weights, given those of results ``[B, S, N * W]``."""
    before_kernel: Any = flush()  # type: ignore[call-arg]
    B, S, A = weights.shape
    size = tape.shape[2]
    for b in range(B):
        for s in range(S):
            for a in range(A):
                start = distances[b, a] * width
                rest = size - start
                first = _dot(dmoved[b, s, :rest], tape[b, s, start:])
                dweights[b, s, a] = first + _dot(dmoved[b, s, rest:], tape[b, s, :start])
                _add_round(dtape[b, s], weights[b, s, a], dmoved[b, s], rest % size)
    restore(before_kernel)


def write_and_move(
    cells: Tensor, written: Tensor, weights: Tensor, distances: Tensor
) -> tuple[Tensor, Tensor]:
    """Write to the cells under the heads, and then move the heads by degrees.

    Args:
        cells: Tapes, the cell under the head first ``[B, S, N, W]``, float32 or float64, on the CPU.
        written: What stands under the head afterwards ``[B, S, M]``; the other W - M numbers stay.
        weights: Weights of the moves ``[B, S, A]``.
        distances: Cells by which each moves the head to the right, int64 ``[B, A]``; modulo N.

    Returns:
        The tapes ``[B, S, N, W]``, and the first M numbers under their heads ``[B, S, M]``.

    Raises:
        ValueError: If a tensor does not fit the others.
        RuntimeError: In the backward pass, if it is to be differentiable itself.
    """
    B, S, N, W = dimensions("cells", cells, 4)
    M, A = dimensions("written", written, 3)[2], dimensions("weights", weights, 3)[2]
    if not N:
        raise ValueError(f"cells has shape {tuple(cells.shape)}; expected at least one cell")
    if M > W:
        raise ValueError(f"written has shape {tuple(written.shape)}; expected {(B, S, W)} or less")
    expected = [("written", written, (B, S, M)), ("weights", weights, (B, S, A))]
    check_tensors("cells", cells.dtype, [("cells", cells, cells.shape), *expected], "cells has [B, S, N, W]")
    check_integers("distances", distances, (B, A))
    moved: tuple[Tensor, Tensor] = _WriteAndMove.apply(cells, written, weights, distances % N)
    return moved


class _WriteAndMove(torch.autograd.Function):
    """The loops forward and backward, with distances from 0 to N - 1."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor, written: Tensor, weights: Tensor, distances: Tensor) -> Any:
        tape = cells.clone(memory_format=torch.contiguous_format)
        tape[:, :, 0, : written.shape[2]] = written
        weights, moved = weights.contiguous(), torch.zeros_like(tape)
        ctx.save_for_backward(tape, weights, distances)
        ctx.set_materialize_grads(False)
        ctx.written = written.shape[2]
        flat = arrays(tape.flatten(2), weights, distances)
        _forward(*flat, tape.shape[3], *arrays(moved.flatten(2)))
        return moved, moved[:, :, 0, : written.shape[2]].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives(gradients)
        tape, weights, distances = ctx.saved_tensors
        after, read = gradients
        dmoved = (
            torch.zeros_like(tape) if after is None else after.clone(memory_format=torch.contiguous_format)
        )
        if read is not None:
            dmoved[:, :, 0, : ctx.written] += read
        dtape, dweights = torch.zeros_like(tape), torch.empty_like(weights)
        flat = arrays(tape.flatten(2), weights, distances)
        _backward(*flat, tape.shape[3], *arrays(dmoved.flatten(2), dtape.flatten(2), dweights))
        dwritten = dtape[:, :, 0, : ctx.written].clone()
        dtape[:, :, 0, : ctx.written] = 0
        return dtape, dwritten, dweights, None
