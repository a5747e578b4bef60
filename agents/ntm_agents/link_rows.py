"""Temporal links of which a step touches a few rows, however many slots there are.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016),
appendix D, equations 17 to 22. Without a limit of entries, the paper's two matrices N and P are transposes of
each other. So here are the entries of N, and for each of its columns the rows that have an entry in it.

Each head has links of its own, as it has a write weighting of its own.

Shape letters: B batch, H heads, N memory slots, L entries that a row and a column keep, W slots that a head
writes to, K slots that it has read.

Example:
    >>> links = no_links(torch.zeros(()), batch_size=1, heads=1, slots=3, count=2)
    >>> for row in (1, 0, 2):
    ...     links = link(links, writing=torch.ones(1, 1, 1), rows=torch.tensor([[[row]]]))
    >>> dense(links)[0, 0]  # slot 0 follows slot 1, and slot 2 follows slot 0
    tensor([[0., 1., 0.],
            [0., 0., 0.],
            [1., 0., 0.]])
    >>> forward(links, reading=torch.ones(1, 1, 1), slots=torch.tensor([[[0]]]))
    (tensor([[[1., 0.]]]), tensor([[[2, 0]]]))
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ntm_agents.sparse_access import largest, merge


class Links(NamedTuple):
    """Temporal links between the slots that each head has written."""

    precedence: Tensor
    """Weights p of the slots that were written last, ``[B, H, L]``, with a sum of at most 1."""
    last: Tensor
    """Those slots, int64 ``[B, H, L]``."""
    values: Tensor
    """Entries of each row, ``[B, H, N, L]``: how much the slot was written right after others."""
    columns: Tensor
    """Those others, int64 ``[B, H, N, L]``."""
    followers: Tensor
    """Rows with an entry in each column, int64 ``[B, H, N, L]``; the slot itself stands for none."""


def no_links(like: Tensor, batch_size: int, heads: int, slots: int, count: int) -> Links:
    """Return links before any write, with the type and device of a tensor."""
    zeros = torch.zeros(batch_size, heads, slots, count, dtype=torch.int64, device=like.device)
    return Links(
        precedence=like.new_zeros(batch_size, heads, count),
        last=zeros[:, :, 0].clone(),
        values=like.new_zeros(zeros.shape),
        columns=zeros,
        followers=zeros + torch.arange(slots, device=like.device).unsqueeze(1),
    )


def link(links: Links, writing: Tensor, rows: Tensor) -> Links:
    """Return the links after a write: equations 11, 19 and 20, each row and column cut to its L largest.

    No gradient goes through the choices.

    Args:
        links: Links before it.
        writing: Weights of the slots that each head writes to, ``[B, H, W]``, with a sum of at most 1.
        rows: Those slots, all different, int64 ``[B, H, W]``.
    """
    count = links.last.shape[2]
    added = writing.unsqueeze(3) * links.precedence.unsqueeze(2)  # (B, H, W, L)
    sources = links.last.unsqueeze(2).expand_as(added)
    added = added * (sources != rows.unsqueeze(3))  # no slot follows itself
    kept = (1 - writing).unsqueeze(3) * _at(links.values, rows)
    entries, columns = merge(
        torch.cat((kept, added), 3), torch.cat((_at(links.columns, rows), sources), 3), count
    )
    precedence, last = merge(
        torch.cat(((1 - writing.sum(2, keepdim=True)) * links.precedence, writing), 2),
        torch.cat((links.last, rows), 2),
        count,
    )
    index = rows.unsqueeze(3).expand_as(entries)
    values, columns = links.values.scatter(2, index, entries), links.columns.scatter(2, index, columns)
    linked = links._replace(precedence=precedence, last=last, values=values, columns=columns)
    followers = _followers(linked, links.last, torch.where(writing > 0, rows, -1))
    places = links.last.unsqueeze(3).expand_as(followers)
    return linked._replace(followers=links.followers.scatter(2, places, followers))


def _followers(links: Links, columns: Tensor, rows: Tensor) -> Tensor:
    """Return the followers ``[B, H, L, L]`` of columns ``[B, H, L]``, of which rows ``[B, H, W]`` may be new.

    A row of -1 stands for none.
    """
    own, known = columns.unsqueeze(3), _at(links.followers, columns)
    again = (rows.view(*rows.shape[:2], 1, -1, 1) == known.unsqueeze(3)).any(4)
    new = torch.where(again | (rows < 0).unsqueeze(2), own, rows.unsqueeze(2))  # (B, H, L, W)
    candidates = torch.cat((known, new), 3)
    found, places = largest(_entries(links, candidates, columns).detach(), known.shape[3])
    return torch.where(found > 0, candidates.gather(3, places), own)


def backward(links: Links, reading: Tensor, slots: Tensor) -> tuple[Tensor, Tensor]:
    """Return weights of what was written before what was read, b, and its slots, ``[B, H, K * L]`` each.

    A slot may occur several times, and each time with a part of its weight.

    Args:
        links: Links.
        reading: Weights of the slots that each head has read ``[B, H, K]``.
        slots: Those slots, int64 ``[B, H, K]``.
    """
    weights = reading.unsqueeze(3) * _at(links.values, slots)
    return weights.flatten(2), _at(links.columns, slots).flatten(2)


def forward(links: Links, reading: Tensor, slots: Tensor) -> tuple[Tensor, Tensor]:
    """Return weights of what was written after what was read, f, and its slots; see `backward`."""
    followers = _at(links.followers, slots)  # (B, H, K, L)
    weights = reading.unsqueeze(3) * _entries(links, followers, slots)
    return weights.flatten(2), followers.flatten(2)


def dense(links: Links) -> Tensor:
    """Return the links as matrices ``[B, H, N, N]``."""
    B, H, N, _ = links.values.shape
    return links.values.new_zeros(B, H, N, N).scatter_add(3, links.columns, links.values)


def _at(table: Tensor, rows: Tensor) -> Tensor:
    """Return rows ``[B, H, A, L]`` of a table ``[B, H, N, L]``."""
    return table.gather(2, rows.unsqueeze(3).expand(-1, -1, -1, table.shape[3]))


def _entries(links: Links, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the entries of rows ``[B, H, A, C]`` in columns ``[B, H, A]``, one for all rows of a group."""
    shape = (*rows.shape, -1)  # (B, H, A, C, L)
    values, places = (_at(table, rows.flatten(2)).view(shape) for table in (links.values, links.columns))
    return (values * (places == columns.view(*columns.shape, 1, 1))).sum(4)
