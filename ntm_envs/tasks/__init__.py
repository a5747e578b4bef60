"""The tasks, and the table that lists them.

A task is one file of this folder and one row of :data:`TABLE`. The row holds what makes the task a
benchmark: the range of sizes that a model trains on, and the ladder of sizes on which it is then judged.
Environments, documentation, tests and the command line are generated from the table.

Example:
    >>> from ntm_envs import tasks
    >>> batch = tasks.get("copy").episodes(keys=[1, 2, 3], length=(1, 20))
    >>> tasks.spec("copy").training
    {'length': (1, 20)}
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from ntm_envs.lookup import did_you_mean, is_reference, load
from ntm_envs.tasks.base import Batch, Size, Task
from ntm_envs.tasks.solver import Solver

__all__ = [
    "Batch",
    "Size",
    "Solver",
    "Task",
    "TaskSpec",
    "get",
    "names",
    "register",
    "spec",
]

Rung = Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A row of the task table.

    Attributes:
        name: What the task is called on the command line, such as ``copy``.
        env_id: The id of its environment, with its version, such as ``ntm_envs/Copy-v0``.
        task: The task's class, or a reference to it that is loaded when it is needed.
        training: The sizes that models train on: an int, or a range ``(low, high)``.
        ladders: The sizes on which models are judged, by the size that grows. The first rung of each
            ladder is the largest training size; later ones are longer.
        sequences: How many sequences a rung has; None for 512 up to 500 steps and 256 beyond.
        summary: What an agent has to do, in a line.

    Raises:
        ValueError: If the training range or a ladder makes no sense; the message says why.
    """

    name: str
    env_id: str
    task: str | type[Task]
    training: Mapping[str, int | tuple[int, int]]
    ladders: Mapping[str, tuple[Rung, ...]]
    sequences: int | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        training = {n: tuple(s) if isinstance(s, list) else s for n, s in self.training.items()}
        object.__setattr__(self, "training", training)  # JSON gives lists
        for name, size in training.items():
            bounds = size if isinstance(size, tuple) else (size, size)
            if not (len(bounds) == 2 and 1 <= bounds[0] <= bounds[1]):
                raise ValueError(
                    f"{self.name}: training has {name}={size!r}; expected an integer of at least 1, or a "
                    "range (low, high)"
                )
        if not (self.ladders and all(self.ladders.values())):
            raise ValueError(f"{self.name}: ladders is {self.ladders!r}; expected at least one rung in each")
        for name, rungs in self.ladders.items():
            if any(rung.keys() != training.keys() for rung in rungs) or name not in training:
                raise ValueError(
                    f"{self.name}: the ladder {name!r} has {rungs}; expected each rung to give a value to "
                    f"each of {', '.join(training)}"
                )
            values = [rung[name] for rung in rungs]
            if values != sorted(set(values)):
                raise ValueError(f"{self.name}: the ladder {name!r} has {values}; expected growing values")
        if self.sequences is not None and self.sequences < 1:
            raise ValueError(f"{self.name}: sequences is {self.sequences}; expected at least 1, or None")

    def make(self, **parameters: Any) -> Task:
        """Return the task with these parameters, such as ``bits=8``.

        Raises:
            TypeError: If the task has no such parameter.
        """
        task = load(self.task) if isinstance(self.task, str) else self.task
        made: Task = task(**parameters)
        return made

    @property
    def largest(self) -> dict[str, int]:
        """The largest size of the training range."""
        return {n: s if isinstance(s, int) else s[1] for n, s in self.training.items()}

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """Every rung of every ladder once, in order."""
        rungs: list[Rung] = []
        for ladder in self.ladders.values():
            rungs += [rung for rung in ladder if rung not in rungs]
        return tuple(rungs)

    def rung_sequences(self, rung: Rung) -> int:
        """Return how many sequences a rung is judged on."""
        if self.sequences is not None:
            return self.sequences
        return 512 if self.make().steps(**rung) <= 500 else 256


def ladder(size: str, values: tuple[int, ...], **others: int) -> dict[str, tuple[Rung, ...]]:
    """Return a ladder along one size, with the other sizes fixed."""
    return {size: tuple({size: value, **others} for value in values)}


TABLE = (
    TaskSpec(
        name="copy",
        env_id="ntm_envs/Copy-v0",
        task="ntm_envs.tasks.copy:Copy",
        summary="repeat a sequence of random vectors",
        training={"length": (1, 20)},
        ladders=ladder("length", (20, 40, 80, 120, 200, 400, 1000)),
    ),
    TaskSpec(
        name="repeat_copy",
        env_id="ntm_envs/RepeatCopy-v0",
        task="ntm_envs.tasks.repeat_copy:RepeatCopy",
        summary="repeat a sequence as often as told, then say stop",
        training={"length": (1, 10), "repeats": (1, 10)},
        ladders={
            **ladder("length", (10, 20, 40, 80, 100), repeats=10),
            **ladder("repeats", (10, 11, 12, 15, 20, 40, 100), length=10),
        },
    ),
    TaskSpec(
        name="associative_recall",
        env_id="ntm_envs/AssociativeRecall-v0",
        task="ntm_envs.tasks.associative_recall:AssociativeRecall",
        summary="shown one item of a list, name the next",
        training={"items": (2, 6)},
        ladders=ladder("items", (6, 10, 15, 20, 40, 60, 120)),
    ),
    TaskSpec(
        name="ngrams",
        env_id="ntm_envs/NGrams-v0",
        task="ntm_envs.tasks.ngrams:NGrams",
        summary="predict the bits of a random 6-gram source",
        training={"length": 200},
        ladders=ladder("length", (200, 400, 800, 2000)),
        sequences=1000,
    ),
    TaskSpec(
        name="priority_sort",
        env_id="ntm_envs/PrioritySort-v0",
        task="ntm_envs.tasks.priority_sort:PrioritySort",
        summary="sort vectors by priority, and say the highest four fifths",
        training={"length": 20},
        ladders=ladder("length", (20, 25, 30, 40, 60, 100)),
    ),
)
"""The project's own tasks. A change of a row is a change of the benchmark, and a new version of its id."""

_specs = {row.name: row for row in TABLE}


def names() -> tuple[str, ...]:
    """Return the names of all tasks: the project's own, installed ones and registered ones."""
    return tuple(_installed())


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


def get(name: str, **parameters: Any) -> Task:
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
