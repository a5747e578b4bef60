"""Tables whose rows are the files of a package, so that a new row is a new file and no other change."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


def rows_in(package: ModuleType) -> tuple[Any, ...]:
    """Return the `ROW` of each module of a package that has one, in the order of their names."""
    modules = [import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    return tuple(module.ROW for module in modules if hasattr(module, "ROW"))
