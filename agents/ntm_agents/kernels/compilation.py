"""Decorators that compile the functions of kernels, and a cache of compiled code.

A kernel has a few entry points, which Python calls, and many parts, which are inlined into them. Numba's
cache compares the source file of the entry point alone and would miss a change of a part, so the cache
here compares a digest of all sources of this package. A change of any of them recompiles the entry
points.

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

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, NullCache

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
    """Compile a function that Python calls, or load it from the cache.

    Without a writable cache, each process compiles it.
    """
    compiled: Any = njit(**FAST | {"no_cpython_wrapper": False, "forceinline": False})(function)
    compiled._cache = _cache_of(function)
    return compiled  # type: ignore[no-any-return]


class _Cache(FunctionCache):
    """A cache of a function, which a full disk or a limit on the size of files does not stop."""

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)


def _cache_of(function: Callable[..., None]) -> Any:
    try:
        cached = _Cache(function)
    except RuntimeError:  # no directory can be written to
        return NullCache()
    # Of all that is stored, Numba compares this first. It does not unpickle the rest if it differs, as it may
    # refer to classes that are not there any more.
    cached._cache_file._version += f" {_digest()}"
    return cached


@cache
def _digest() -> str:
    """Return a digest of the sources of this package."""
    digest = hashlib.sha256()
    for name, source in sorted(_sources(files("ntm_agents.kernels"))):
        digest.update(f"{name} {len(source)} ".encode() + source)
    return digest.hexdigest()


def _sources(folder: Traversable, above: str = "") -> list[tuple[str, bytes]]:
    """Return path and bytes of each source file in a folder."""
    found = []
    for item in folder.iterdir():
        if item.name.endswith(".py"):
            found.append((above + item.name, item.read_bytes()))
        elif item.is_dir():
            found += _sources(item, f"{above}{item.name}/")
    return found
