"""The tasks and the table that lists them.

A task is one file in the folder of its suite. The file defines the class of the task and its row of the
table, a :class:`TaskSpec`. The row turns the task into a benchmark: it names the sizes for training and the
ladder of sizes for evaluation. Environments, documentation, tests and the command line are generated from the
rows.

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

from ntm_envs.lookup import absolute, did_you_mean, is_reference, load
from ntm_envs.tasks.base import Batch, SequenceTask, Task
from ntm_envs.tasks.bits import BitTask
from ntm_envs.tasks.lessons import Lesson
from ntm_envs.tasks.sizes import Size
from ntm_envs.tasks.solver import Solver
from ntm_envs.tasks.spec import TaskSpec, ladder
from ntm_envs.tasks.state_machine import InteractiveTask

__all__ = [
    "TABLE",
    "Batch",
    "BitTask",
    "InteractiveTask",
    "Lesson",
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
    """Import all files in the folders of suites and return their rows, suite by suite."""
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
"""The rows of the project's own tasks. A changed row is a new benchmark, with a new version in its id."""

_specs = {row.name: row for row in TABLE}
_references: dict[str, str] = {}  # those of custom rows, by name


def names() -> tuple[str, ...]:
    """Return the names of all tasks: the project's own, those of installed packages, and registered ones."""
    return tuple(_installed())


def suites() -> tuple[str, ...]:
    """Return the names of all suites."""
    return tuple(dict.fromkeys(row.suite for row in _installed().values()))


def suite(name: str) -> tuple[TaskSpec, ...]:
    """Return the rows of a suite.

    Raises:
        ValueError: If the suite is unknown; the message suggests the closest name.
    """
    if rows := tuple(row for row in _installed().values() if row.suite == name):
        return rows
    raise ValueError(did_you_mean("suite", str(name), suites()))


def spec(name: str) -> TaskSpec:
    """Return a row of the task table.

    Args:
        name: A name (``copy``), an environment id (``ntm_envs/Copy-v0``), or a reference to a custom
            `TaskSpec` (``./mine.py:MY_TASK``), which is then registered.

    Raises:
        ValueError: If the task is unknown; the message suggests the closest name.
        TypeError: If the name is not a string, or a reference names an object that is not a `TaskSpec`.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a task is {name!r}; expected a string, such as 'copy'")
    if is_reference(name):
        row = load(name)
        if not isinstance(row, TaskSpec):
            raise TypeError(
                f"{name} is {row!r}; expected a TaskSpec, which holds the class of the task, its training "
                "range and its ladders"
            )
        register(row, absolute(name))
        return row
    # Installed packages are looked for only if necessary: that takes a thousand times as long.
    if row := _named(name, _specs) or _named(name, _installed()):
        return row
    raise ValueError(did_you_mean("task", name, _specs))


def get(name: str, **parameters: Any) -> Any:
    """Create a task by its name, with the given parameters, such as ``get("copy", bits=4)``."""
    return spec(name).make(**parameters)


def register(row: TaskSpec, reference: str | None = None) -> None:
    """Add a custom task to the table, and register its environment with Gymnasium.

    Args:
        row: The row of the task.
        reference: The reference that the row was loaded by, with an absolute path. The row then replaces
            that of the same reference, as its file may have been edited, and the environment finds it in
            every process.

    Raises:
        ValueError: If another task has the same name or id.
    """
    from ntm_envs.registration import register_env  # tasks do not depend on environments

    for other in tuple(_specs.values()):
        if other == row:
            return
        if reference and _references.get(other.name) == reference:
            del _specs[other.name]
        elif row.name == other.name or row.env_id == other.env_id:
            raise ValueError(
                f"cannot register {row.name!r} with the id {row.env_id!r}: there is another task named "
                f"{other.name!r} with the id {other.env_id!r}; choose another name and id"
            )
    _specs[row.name] = row
    if reference:
        _references[row.name] = reference
    register_env(row, reference or row.name)


def _named(name: str, rows: dict[str, TaskSpec]) -> TaskSpec | None:
    """Return the row with a name or an environment id; None if there is none."""
    return next((row for row in rows.values() if name in (row.name, row.env_id)), None)


def _installed() -> dict[str, TaskSpec]:
    """Return all rows, including those of installed packages (entry points ``ntm_envs.tasks``)."""
    for entry_point in entry_points(group="ntm_envs.tasks"):
        if entry_point.name not in _specs:
            try:
                register(entry_point.load())
            except Exception as error:  # one broken package must not make all other tasks unusable
                warnings.warn(f"the task {entry_point.name!r} cannot be loaded: {error}", stacklevel=3)
    return _specs
