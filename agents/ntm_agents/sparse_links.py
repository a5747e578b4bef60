"""Temporal links that keep a few entries of each row: O(N K) of time and memory in place of O(N²).

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Sparse link matrix". With K = N these are the links of :mod:`ntm_agents.allocation`.

Shape letters: B batch, R read heads, N memory slots, K entries that are kept.

Example:
    >>> values, columns = torch.zeros(1, 3, 1), torch.zeros(1, 3, 1, dtype=torch.int64)
    >>> first, second = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    >>> values, columns = link(values, columns, precedence=first, writing=second)
    >>> values[0, :, 0], columns[0, 1]
    (tensor([0., 1., 0.]), tensor([0]))
    >>> backward, forward = follow(values, columns, reading=first.unsqueeze(1))
    >>> forward
    tensor([[[0., 1., 0.]]])
"""

from __future__ import annotations

import torch
from torch import Tensor


def link(values: Tensor, columns: Tensor, precedence: Tensor, writing: Tensor) -> tuple[Tensor, Tensor]:
    """Return the links after a write: the K largest entries of each row, and their columns.

    Of write weighting and precedence, the K largest weights count. No gradient goes through the choices.

    Args:
        values: Entries of the last step ``[B, N, K]``.
        columns: Their columns, int64 ``[B, N, K]``.
        precedence: Precedence weighting of the last step ``[B, N]``.
        writing: Write weighting ``[B, N]``.
    """
    B, N, K = values.shape
    written, rows = _largest(writing, K)  # (B, K)
    preceding, sources = _largest(precedence, K)
    kept = torch.zeros_like(writing).scatter(1, rows, written)
    decay = 1 - kept.unsqueeze(2) - kept.gather(1, columns.flatten(1)).view(B, N, K)
    values = decay * values
    # Rows that were written get up to K entries more, some of them in columns that they have already.
    index = rows.unsqueeze(2).expand(-1, -1, K)
    old, old_columns = values.gather(1, index), columns.gather(1, index)  # (B, K, K)
    new_columns = sources.unsqueeze(1).expand(-1, K, -1)
    new = written.unsqueeze(2) * preceding.unsqueeze(1) * (new_columns != rows.unsqueeze(2))
    same = (old_columns.unsqueeze(3) == new_columns.unsqueeze(2)) & (old.unsqueeze(3) != 0)
    old = old + (same * new.unsqueeze(2)).sum(3)
    new = new * ~same.any(2)
    chosen, places = _largest(torch.cat((old, new), 2), K)
    chosen_columns = torch.cat((old_columns, new_columns), 2).gather(2, places)
    return values.scatter(1, index, chosen), columns.scatter(1, index, chosen_columns)


def follow(values: Tensor, columns: Tensor, reading: Tensor) -> tuple[Tensor, Tensor]:
    """Return backward and forward weightings ``[B, R, N]``; see :func:`ntm_agents.allocation.follow`.

    Args:
        values: Entries ``[B, N, K]``.
        columns: Their columns, int64 ``[B, N, K]``.
        reading: Read weightings of the last step ``[B, R, N]``.
    """
    B, N, K = values.shape
    places = columns.view(B, 1, N * K).expand(-1, reading.shape[1], -1)
    entries = values.unsqueeze(1)  # (B, 1, N, K)
    forward = (entries * reading.gather(2, places).view(B, -1, N, K)).sum(3)
    shares = (entries * reading.unsqueeze(3)).flatten(2)
    return torch.zeros_like(reading).scatter_add(2, places, shares), forward


def dense(values: Tensor, columns: Tensor) -> Tensor:
    """Return the links as a matrix ``[B, N, N]``."""
    B, N, _ = values.shape
    return values.new_zeros(B, N, N).scatter_add(2, columns, values)


def _largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the largest values of the last dimension, earlier ones first among equals, and their places."""
    ordered, order = values.sort(dim=-1, descending=True, stable=True)
    return ordered[..., :count], order[..., :count]
