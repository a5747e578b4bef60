"""The threads that the fused kernels compute a batch on: one, unless a program asks for more.

Results have the same bytes for any number of threads (:mod:`ntm_agents.kernels.tiles` says why). The number
belongs to the process, as that of :func:`torch.set_num_threads` does, which it leaves alone.

Example:
    >>> from ntm_agents.kernels.threads import num_threads, set_num_threads
    >>> set_num_threads(2)
    >>> num_threads()
    2
    >>> set_num_threads(1)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from typing import TypeVar

Part = TypeVar("Part")
_number = 1


def num_threads() -> int:
    """Return the largest number of threads that a kernel computes a batch on."""
    return _number


def set_num_threads(number: int) -> None:
    """Set the largest number of threads that a kernel computes a batch on.

    Args:
        number: Number of threads, that of the caller included. More than there are cores make nothing faster.

    Raises:
        ValueError: If it is less than 1.
    """
    global _number
    if number < 1:
        raise ValueError(f"the number of threads is {number}; expected at least 1")
    _number = number


def run(function: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Call a function with each of at least one part: the first in this thread, the others in a pool's.

    This thread also takes the parts that no other has begun when it is free, as cores may be busy. Returns,
    or raises the error of a part, after all that have begun have ended: they write to the caller's arrays.
    """
    first, *others = parts
    futures = []
    try:
        if others:
            pool = _pool(os.getpid(), max(len(others), num_threads() - 1))
            for part in others:
                futures.append(pool.submit(function, part))
        function(first)
        for part, future in zip(reversed(others), reversed(futures), strict=True):
            if future.cancel():
                function(part)
    finally:
        begun = [future for future in futures if not future.cancel()]
        wait(begun)
    for future in begun:
        future.result()


@lru_cache(maxsize=1)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """Return the pool of a process, which is kept; a process that was forked needs one of its own."""
    return ThreadPoolExecutor(workers, thread_name_prefix="ntm-kernel")
