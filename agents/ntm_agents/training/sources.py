"""Digests of the sources of models and tasks, but for the project's own, which a version identifies."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

from ntm_envs.lookup import executed_source, load


def source_digest(entry: str) -> str | None:
    """Return the SHA-256 of the file that a reference is defined in; None for one of the project's own."""
    if _is_own(entry):
        return None
    where = entry.rpartition(":")[0]
    file = where if where.endswith(".py") else inspect.getsourcefile(load(entry))
    return _sha256(Path(file).expanduser().read_bytes()) if file else None


def executed_digest(entry: str) -> str | None:
    """Return the `source_digest` of a reference that was loaded, of its file as it was executed."""
    source = None if _is_own(entry) else executed_source(entry)
    return None if source is None else _sha256(source)


def _is_own(entry: str) -> bool:
    return entry.startswith(("ntm_agents:", "ntm_baselines:"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
