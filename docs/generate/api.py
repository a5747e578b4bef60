"""The API reference: a page for each package, with the names that it exports, and for each module."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import ntm_agents
import ntm_baselines
from generate import rst
from ntm_agents.training.learners import installed
from ntm_envs import tasks
from ntm_envs.lookup import load

PACKAGES = (
    "ntm_envs",
    "ntm_envs.tasks",
    "ntm_envs.answers",
    "ntm_agents",
    "ntm_agents.training",
    "ntm_baselines",
    "ntm_baselines.sb3",
)
"""Packages, which are imported by their users."""
MODULES = (
    "ntm_envs.keyed",
    "ntm_envs.playing",
    "ntm_envs.testing",
    "ntm_agents.addressing",
    "ntm_agents.allocation",
    "ntm_agents.controllers",
    "ntm_agents.heads",
    "ntm_agents.interface",
    "ntm_agents.kernels.threads",
    "ntm_agents.memory",
    "ntm_agents.memory_machine",
    "ntm_agents.moving_memory",
    "ntm_agents.readout",
    "ntm_agents.sparse_links",
    "ntm_agents.testing",
    "ntm_leaderboard.results",
    "ntm_leaderboard.harness.ladder",
    "ntm_leaderboard.board.records",
    "ntm_leaderboard.board.statistics",
)
"""Further modules, for authors of tasks, models and reports."""


def write(folder: Path) -> None:
    """Write the pages of packages and modules."""
    kinds: list[Any] = [type(row.make()) for row in tasks.TABLE]
    kinds += [load(row.entry) for row in (*ntm_agents.TABLE, *ntm_baselines.TABLE)]
    kinds += [row.config for row in installed().values()]
    families = {base.__module__ for kind in kinds for base in getattr(kind, "__mro__", (kind,))}
    modules = {*MODULES, *(module for module in families if module.startswith("ntm_"))}
    for package in PACKAGES:
        exported = _exported(package)
        modules |= set(exported.values())
        modules -= {package, *(f"{package}.{name}" for name in exported)}  # modules of the same name
        write_package(folder / f"{package}.rst", package, exported)
    for module in modules - set(PACKAGES):
        rst.write(folder / f"{module}.rst", rst.heading(module), _automodule(module))
    parts = [rst.heading("API reference"), rst.toctree(*PACKAGES), rst.heading("Modules", 1)]
    rst.write(folder / "index.rst", *parts, rst.toctree(*sorted(modules - set(PACKAGES))))


def page(module: str) -> str:
    """Return the name of the page that would describe a module: its package's, if that exports the name."""
    package, _, name = module.rpartition(".")
    return package if package in PACKAGES and name in import_module(package).__all__ else module


def write_package(path: Path, package: str, exported: dict[str, str]) -> None:
    """Write the page of a package: the names that it exports, and what itself defines of them."""
    rows = [
        (f":py:obj:`{name} <{module}.{name}>`", f"``{module}``", _summary(module, name))
        for name, module in exported.items()
    ]
    elsewhere = [name for name, module in exported.items() if module != package]
    names = [rst.heading("Exports", 1), rst.table(["name", "defined in", "summary"], rows)]
    rst.write(path, rst.heading(package), _automodule(package, elsewhere), *names)


def _automodule(module: str, excluded: Sequence[str] = ()) -> str:
    """Return the directives that document a module; a table is shown without its value, which is long."""
    table = ("", "TABLE") in _constants(module)
    hidden = ", ".join([*excluded, *["TABLE"] * table])
    options = ["members:", "show-inheritance:", *[f"exclude-members: {hidden}"] * bool(hidden)]
    shown = "\n   :".join([f".. automodule:: {module}", *options])
    return f"{shown}\n\n.. autodata:: {module}.TABLE\n   :no-value:" if table else shown


def _exported(package: str) -> dict[str, str]:
    """Return the module that defines each name of `__all__`; modules among them are left out."""
    module = import_module(package)
    values = {name: getattr(module, name) for name in sorted(module.__all__)}
    taken = {f"{package}.{name}" for name in values}  # a function may have the name of its module
    homes = {name: _home(module, name) for name in values}
    return {
        name: package if homes[name] in taken else homes[name]
        for name in homes
        if not inspect.ismodule(values[name])
    }


def _home(package: ModuleType, name: str) -> str:
    """Return the module that defines a name of a package; of a constant, the one that it is imported from."""
    home = str(getattr(getattr(package, name), "__module__", ""))
    if home.startswith("ntm_"):
        return home
    statements = ast.parse(inspect.getsource(package)).body
    imports = (statement for statement in statements if isinstance(statement, ast.ImportFrom))
    homes = {alias.name: str(statement.module) for statement in imports for alias in statement.names}
    return homes.get(name, package.__name__)


def _summary(module: str, name: str) -> str:
    """Return the first paragraph of a docstring; that of a constant stands below it."""
    value = getattr(import_module(module), name)
    if inspect.isclass(value) or inspect.isroutine(value):
        text = inspect.getdoc(value) or ""
    else:
        text = "\n".join(_constants(module).get(("", name), []))
    return text.split("\n\n")[0].replace("\n", " ")


def _constants(module: str) -> dict[tuple[str, str], list[str]]:
    """Return the docstrings below the constants of a module and the attributes of its classes."""
    return ModuleAnalyzer.for_module(module).find_attr_docs()
