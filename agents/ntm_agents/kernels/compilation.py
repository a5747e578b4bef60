"""Decorators that compile the functions of kernels.

A kernel has a few entry points, which Python calls, and many parts, which are inlined into them.

Example:
    >>> import numpy as np
    >>> @inline
    ... def twice(x):
    ...     return x + x
    >>> @njit
    ... def add(x, total):
    ...     total[0] += twice(x)
    >>> total = np.zeros(1)
    >>> add(2.0, total)
    >>> float(total[0])
    4.0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from ntm_agents.kernels.cache import cache_of

FAST: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "arcp", "nsz", "afn"},
    "error_model": "numpy",
    "nogil": True,
    "_nrt": False,  # nothing is allocated, so nothing is counted: slices would be, atomically
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "forceinline": True,  # the process that compiles would call them, and round otherwise than with copies
}
"""Options of the compiler. Its flags allow it to reorder sums, which vectorises them, and keep the rules for
infinity and NaN, so that a result that is not finite is seen."""

inline = njit(**FAST)
"""Compile a part, which is copied into the functions that call it."""

paste = njit(inline="always", **FAST)
"""Compile a section of an entry point, which Numba pastes into it. The compiler optimises whatever is inlined
once for itself and once in each function round it, so sections, which hold many parts, would take long."""


def entry(function: Callable[..., None]) -> Callable[..., None]:
    """Compile a function that Python calls, or load it from the cache."""
    compiled: Any = njit(**FAST | {"no_cpython_wrapper": False, "forceinline": False})(function)
    compiled._cache = cache_of(function)
    return compiled  # type: ignore[no-any-return]
