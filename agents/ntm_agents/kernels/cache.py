"""The cache of compiled code: a file for each function and types of arguments.

Numba's own cache keeps an index of such files, which two processes that compile at the same time overwrite,
each without the other's entries. It then may run code that was compiled for other types. Here the name
of a file is a digest of all that its code depends on, and a file begins with a digest of its contents: a
file that is incomplete or damaged is compiled anew.

Numba compares the source file of the entry point alone and would miss a change of a part that is inlined.
Here all sources of the package are compared, by their contents.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import uuid
import warnings
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, NullCache
from numba.core.serialize import dumps

SIZE = hashlib.sha256().digest_size


def cache_of(function: Callable[..., None]) -> Any:
    """Return the cache of an entry point; one that is always empty if there is no place for it."""
    try:
        return _Cache(function)
    except RuntimeError:
        return _NoCache()


class _Cache(FunctionCache):
    """A cache that is not an error where it cannot be written."""

    def __init__(self, function: Callable[..., None]) -> None:
        super().__init__(function)
        self._cache_file: Any = _Files(Path(self._cache_path), self._impl.filename_base)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save compiled code, if that is possible."""
        try:
            super().save_overload(sig, data)
        except OSError as error:  # the disk is full, or the directory is not there any more
            _warn(error.strerror)


class _NoCache(NullCache):
    """A cache that is always empty."""

    def save_overload(self, sig: Any, data: Any) -> None:
        """Warn that compiled code cannot be saved."""
        _warn("Numba found no directory that can be written to")


class _Files:
    """Files of compiled code, as Numba's `Cache` calls them.

    Args:
        folder: Where they are.
        prefix: Beginning of their names.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder, self._prefix, self._present = folder, prefix, f"{prefix}.{_digest()[:16]}."

    def load(self, key: Any) -> Any:
        """Return what was saved under a key; None if nothing was, or the file is damaged."""
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        if content[:SIZE] != hashlib.sha256(content[SIZE:]).digest():
            return None
        return pickle.loads(content[SIZE:])

    def save(self, key: Any, data: Any) -> None:
        """Save data under a key: others see a whole file or none.

        Raises:
            OSError: If it cannot be written.
        """
        path, content = self._path(key), dumps(data)
        temporary = path.with_suffix(f".{uuid.uuid4().hex}")
        try:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        for other in self._folder.glob(f"{self._prefix}.*"):
            if not other.name.startswith(self._present):  # of earlier sources
                other.unlink(missing_ok=True)

    def flush(self) -> None:
        """Remove all files."""
        for path in self._folder.glob(f"{self._prefix}.*"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        digest = hashlib.sha256(f"{numba.__version__} {key}".encode())
        return self._folder / f"{self._present}{digest.hexdigest()[:32]}.nbc"


@cache  # Python itself would show it again after each `catch_warnings`, which Numba's compiler uses
def _warn(reason: str | None) -> None:
    """Warn once a process that compiled code cannot be saved."""
    message = (
        f"compiled kernels cannot be saved ({reason}), so each process compiles them, which takes up to "
        "a minute; set the environment variable NUMBA_CACHE_DIR to a writable directory with free space"
    )
    warnings.warn(message, RuntimeWarning, stacklevel=1)


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
