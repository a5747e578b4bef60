"""Gradients of weights: products that sum over all steps and sequences, on the threads of the kernels.

The rows of a large product are computed in blocks, which are the same for any number of threads, so the
result has the same bytes. Blocks begin at whole lines of the cache, where their sums were those of a product
of all rows, to the last bit, in all of six thousand products of many shapes by Intel's library.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from ntm_agents.kernels import threads

BLOCKS, ROWS = 4, 16
"""Number of blocks of a product, and what their numbers of rows are multiples of."""
WORK = 2**23
"""Multiplications that are divided, and that a thread has at least: with fewer, to start it takes longer."""


def products(*pairs: tuple[Tensor, Tensor]) -> list[Tensor]:
    """Return ``left.t() @ right`` of each pair, ``[K, J]`` and ``[K, V]``, whose K sums are the same.

    Threads are used if PyTorch has one thread itself. Otherwise the products are computed by its own.
    """
    found = [left.new_empty(left.shape[1], right.shape[1]) for left, right in pairs]
    blocks = [
        (left.t()[block], right, out[block])
        for (left, right), out in zip(pairs, found, strict=True)
        for block in _blocks(len(out), left.numel() * right.shape[1])
    ]
    work = sum(left.numel() * right.shape[1] for left, right in pairs)
    wanted = min(threads.num_threads(), work // WORK, len(blocks))
    count = max(1, wanted) if torch.get_num_threads() == 1 else 1
    threads.run(_multiply, [blocks[i::count] for i in range(count)])
    return found


def _blocks(rows: int, work: int) -> list[slice]:
    """Return the blocks of a product of so many rows and multiplications; the last one takes the rest."""
    size = rows // BLOCKS // ROWS * ROWS if work >= WORK else 0
    begins = range(0, BLOCKS * size, size) if size else (0,)
    return [slice(*ends) for ends in pairwise((*begins, rows))]


@torch.no_grad()  # which belongs to each thread
def _multiply(blocks: list[tuple[Tensor, Tensor, Tensor]]) -> None:
    """Write products into their places."""
    # Each thread has an OpenMP of its own, whose threads would keep the other cores busy while they wait.
    torch.set_num_threads(torch.get_num_threads())
    for left, right, out in blocks:
        torch.mm(left, right, out=out)
