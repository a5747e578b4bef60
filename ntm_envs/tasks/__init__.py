"""The tasks, and the table that lists them.

A task is one file in the folder of its suite. The file holds the task's class and its row, the
:class:`TaskSpec` that makes it a benchmark: the sizes that models train on, and the ladder of sizes on which
they are evaluated. Environments, documentation, tests and the command line are generated from the rows.

Example:
    >>> from ntm_envs import tasks
    >>> batch = tasks.get("copy").episodes(keys=[1, 2, 3], length=(1, 20))
    >>> tasks.spec("copy").training
    {'length': (1, 20)}
    >>> [row.name for row in tasks.suite("interactive")]
    ['tape_copy', 'tape_reverse']
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any

from ntm_envs.lookup import did_you_mean, is_reference, load
from ntm_envs.tasks.base import Batch, SequenceTask, Task
from ntm_envs.tasks.bits import BitTask
from ntm_envs.tasks.sizes import Size
from ntm_envs.tasks.solver import Solver
from ntm_envs.tasks.spec import TaskSpec, ladder
from ntm_envs.tasks.state_machine import InteractiveTask

__all__ = [
    "TABLE",
    "Batch",
    "BitTask",
    "InteractiveTask",
    "SequenceTask",
    "Size",
    "Solver",
    "Task",
    "TaskSpec",
    "get",
    "ladder",
    "names",
    "register",
    "spec",
    "suite",
    "suites",
]


def _rows() -> tuple[TaskSpec, ...]:
    """Return the rows of all files in the folders of suites, suite by suite."""
    rows = []
    for folder in iter_modules(__path__):
        if folder.ispkg:
            package = import_module(f"{__name__}.{folder.name}")
            modules = [
                import_module(f"{package.__name__}.{file.name}") for file in iter_modules(package.__path__)
            ]
            found = [module.ROW for module in modules if hasattr(module, "ROW")]
            rows += sorted(found, key=lambda row: (row.order, row.name))
    return tuple(rows)


TABLE = _rows()
"""The project's own tasks. A change of a row is a change of the benchmark, and a new version of its id."""

_specs = {row.name: row for row in TABLE}


def names() -> tuple[str, ...]:
    """Return the names of all tasks: the project's own, installed ones and registered ones."""
    return tuple(_installed())


def suites() -> tuple[str, ...]:
    """Return the names of all suites that have tasks."""
    return tuple(dict.fromkeys(row.suite for row in _installed().values()))


def suite(name: str) -> tuple[TaskSpec, ...]:
    """Return the rows of a suite.

    Raises:
        ValueError: If there is no such suite; the message suggests the nearest one.
    """
    if rows := tuple(row for row in _installed().values() if row.suite == name):
        return rows
    raise ValueError(did_you_mean("suite", name, suites()))


def spec(name: str) -> TaskSpec:
    """Return a row of the table.

    Args:
        name: A name (``copy``), the id of an environment (``ntm_envs/Copy-v0``), or a reference to a
            `TaskSpec` of one's own (``./mine.py:MY_TASK``), which is registered on the way.

    Raises:
        ValueError: If there is no such task; the message suggests the nearest one.
        TypeError: If a reference names something that is not a `TaskSpec`.
    """
    if is_reference(name):
        row = load(name)
        if not isinstance(row, TaskSpec):
            raise TypeError(
                f"{name} is {row!r}; expected a TaskSpec, the row that holds the task's class, its "
                "training range and its ladder"
            )
        register(row)
        return row
    for known in (_specs, _installed()):  # what others have installed is loaded only when it is asked for
        for row in known.values():
            if name in (row.name, row.env_id):
                return row
    raise ValueError(did_you_mean("task", name, _specs))


def get(name: str, **parameters: Any) -> Any:
    """Return a task by its name, with these parameters, such as ``get("copy", bits=4)``."""
    return spec(name).make(**parameters)


def register(row: TaskSpec) -> None:
    """Add a task of one's own to the table, and its environment to Gymnasium.

    Raises:
        ValueError: If there is another task of this name or with this id already.
    """
    from ntm_envs.registration import register_env  # tasks know nothing of environments until asked

    for other in _specs.values():
        if other == row:
            return
        if row.name == other.name or row.env_id == other.env_id:
            raise ValueError(
                f"there is another task named {other.name!r} with the id {other.env_id!r}; choose another "
                f"name and another id for {row.name!r}, {row.env_id!r}"
            )
    _specs[row.name] = row
    register_env(row)


def _installed() -> dict[str, TaskSpec]:
    """Return all rows, with those of installed packages (entry points ``ntm_envs.tasks``)."""
    for entry_point in entry_points(group="ntm_envs.tasks"):
        if entry_point.name not in _specs:
            try:
                register(entry_point.load())
            except Exception as error:  # one broken package must not take all tasks with it
                warnings.warn(f"the task {entry_point.name!r} cannot be loaded: {error}", stacklevel=3)
    return _specs
