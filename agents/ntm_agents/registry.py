"""The table of agents.

An agent is one file with its model, and one with its row and its recipes in the folder `recipes`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from ntm_agents import recipes
from ntm_agents.rows import rows_in
from ntm_agents.spec import AgentSpec
from ntm_envs.lookup import absolute, did_you_mean, is_reference, load


def public_name(package: ModuleType, name: str) -> Any:
    """Return a class that a module of a package exports, for the `__getattr__` of the package above it.

    A model is known by `package:Class`, wherever its file lies. So a new file needs no import elsewhere. A
    name in lower case is a module's: the import system asks here first, perhaps in the middle of an import
    that one of the package's modules has begun.

    Raises:
        AttributeError: If no module has it.
    """
    for module in iter_modules(package.__path__):
        if not module.ispkg and name[0].isupper():
            found = vars(import_module(f"{package.__name__}.{module.name}")).get(name)
            if getattr(found, "__module__", "") == f"{package.__name__}.{module.name}":
                return found
    raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")


TABLE: tuple[AgentSpec, ...] = rows_in(recipes)
"""The memory machines of this package."""


def find(name: str, tables: Iterable[AgentSpec]) -> AgentSpec:
    """Return an agent's row.

    Args:
        name: A name of the tables or of an installed package (entry points ``ntm_envs.agents``), or a
            reference such as ``./my_model.py:MyModel`` to a custom class: one with `initial_state` is a
            model to train, one with `act` an agent to evaluate.
        tables: The rows to look in.

    Raises:
        ValueError: If there is no such agent; the message suggests the nearest one.
        TypeError: If a reference names neither a model nor an agent.
    """
    if is_reference(name):
        return _own(name)
    for row in tables:
        if row.name == name:
            return row
    rows = installed(tables)  # installed packages are loaded only when they are needed
    if name not in rows:
        raise ValueError(did_you_mean("agent", name, rows))
    return rows[name]


def installed(tables: Iterable[AgentSpec]) -> dict[str, AgentSpec]:
    """Return all rows by name: those of the tables and of installed packages."""
    rows = {row.name: row for row in tables}
    for entry_point in entry_points(group="ntm_envs.agents"):
        if entry_point.name not in rows:
            try:
                found = entry_point.load()
                if not isinstance(found, AgentSpec):
                    raise TypeError(f"it is {found!r}; expected an AgentSpec")
                rows[entry_point.name] = found
            except Exception as error:  # one broken package must not take all agents with it
                warnings.warn(f"the agent {entry_point.name!r} cannot be loaded: {error}", stacklevel=3)
    return rows


def _own(reference: str) -> AgentSpec:
    found = load(reference)
    if isinstance(found, AgentSpec):
        return replace(found, entry=absolute(found.entry))
    learns = hasattr(found, "initial_state")
    if not learns and not (hasattr(found, "begin") and hasattr(found, "act")):
        raise TypeError(
            f"{reference} is {found!r}; expected a model (with initial_state and forward) or an agent (with "
            "begin and act)"
        )
    entry, attribute = absolute(reference), reference.rpartition(":")[2]
    summary = (inspect.getdoc(found) or attribute).splitlines()[0]
    return AgentSpec(name=attribute, entry=entry, summary=summary, learns=learns)
