"""Tiles: the few sequences of a batch that a loop takes through all steps at a time.

A tile has few enough sequences for their memories to stay in the cache, and enough for the weights to be read
once for several. Sequences do not depend on each other, so parts of a batch can go to several threads.

Results have the same bytes for any number of threads. A sequence's own do not depend on the others of its
tile but for the products with the weights (:mod:`ntm_agents.kernels.products`), which take rows in groups,
and those that are left one by one, with another order of sums. So a tile is divided between groups alone.
Gradients of the weights, which sum over sequences, are computed afterwards
(:mod:`ntm_agents.kernels.gradients`).

Example:
    >>> [part.tolist() for part in deal(32, 12, 2)]
    [[0, 12, 16], [16, 24, 32]]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np

from ntm_agents.kernels import threads
from ntm_agents.kernels.arithmetic import Array

LEAST, MOST = 2, 16
"""Sequences of a tile: their rows share the packed weights."""
GROUP = 4
"""Rows that a product takes at a time."""
WORK = 2**21
"""Numbers that a part reads at least: with fewer, a thread takes longer to start than it saves."""


def tile(sequences: int, each: int, cache: int) -> int:
    """Return how many sequences a tile has.

    Args:
        sequences: Number of all sequences.
        each: Bytes of the memory of a sequence.
        cache: Bytes that a tile has at most, if that leaves it more than one sequence.
    """
    return min(MOST, max(LEAST, cache // each), max(1, sequences))


def run(
    loop: Callable[[Array], None], tile: int, steps: int, memory: Array, weights: Iterable[Array]
) -> None:
    """Call a loop with all tiles of a batch, in parts on as many threads as there are and as are worth it.

    Args:
        loop: Called with the tiles of each part: the first sequence of each, and the end of the last one.
        tile: Number of sequences of a tile.
        steps: Number of steps that the loop takes.
        memory: Memory of all sequences, which each step reads ``[B, ...]``.
        weights: Weights, which each step reads for each sequence.
    """
    numbers = steps * (memory.size + len(memory) * sum(matrix.size for matrix in weights))
    parts = max(1, min(threads.num_threads(), numbers // WORK))
    threads.run(loop, deal(len(memory), tile, parts))


def deal(sequences: int, tile: int, parts: int) -> list[Array]:
    """Return the tiles of at most so many parts, which have about as many sequences each.

    Args:
        sequences: Number of all sequences.
        tile: Number of sequences of a tile.
        parts: Largest number of parts.

    Returns:
        The first sequence of each tile of a part, and the end of the last one, int64.
    """
    tiles = range(0, sequences, tile)
    places = [at for first in tiles for at in range(first, min(first + tile, sequences), GROUP)]
    shares = (sequences * part / parts for part in range(parts))
    begins = sorted({min(places, key=lambda at: abs(at - share)) for share in shares})
    return [
        np.array([begin, *(first for first in tiles if begin < first < end), end], np.int64)
        for begin, end in pairwise([*begins, sequences])
    ]
