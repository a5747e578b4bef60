"""Sources of models and tasks, but for the project's own, which a version identifies."""

from __future__ import annotations

import ast
import hashlib
import inspect
from importlib.metadata import packages_distributions
from pathlib import Path

from ntm_envs import own_files
from ntm_envs.lookup import executed_source, load


def source_digest(entry: str) -> str | None:
    """Return the SHA-256 of the file that a reference is defined in; None for one of the project's own."""
    source = _source(entry)
    return None if source is None else _sha256(source)


def executed_digest(entry: str) -> str | None:
    """Return the `source_digest` of a reference that was loaded, of its file as it was executed."""
    source = None if _is_own(entry) else executed_source(entry)
    return None if source is None else _sha256(source)


def imported_packages(entry: str) -> list[str]:
    """Return the packages that the file of a foreign class imports at its top level, and the one it is in."""
    if (source := _source(entry)) is None:
        return []
    names = {entry.rpartition(":")[0]}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    installed = packages_distributions()
    return sorted({package for name in names for package in installed.get(name.partition(".")[0], ())})


def _source(entry: str) -> bytes | None:
    """Return the content of the file that a reference is defined in; None for one of the project's own."""
    if _is_own(entry):
        return None
    where = entry.rpartition(":")[0]
    file = where if where.endswith(".py") else inspect.getsourcefile(load(entry))
    return own_files.located(Path(file).expanduser()).read_bytes() if file else None


def _is_own(entry: str) -> bool:
    return entry.startswith(("ntm_agents:", "ntm_baselines:"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
