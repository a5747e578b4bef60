"""A row of the task table: the sizes, the metric and the other settings that define a benchmark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ntm_envs.lookup import load
from ntm_envs.tasks.base import Task

Rung = Mapping[str, int]
Metric = Literal["sequences", "cost"]
"""The primary metric of a task: ``sequences``, the fraction of sequences without a wrong symbol; or ``cost``,
for tasks in which even the oracle errs. The latter is the reduction of the cost in bits from that of uniform
guesses, as a fraction of the oracle's reduction."""
Learner = Literal["supervised", "reward"]
"""The training signal: targets (``supervised``), or rewards alone (``reward``)."""


FURTHER_SEQUENCES = 32
"""Number of sequences on a further rung, whose inputs take a few megabytes each."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A row of the task table.

    Attributes:
        name: Name of the task on the command line, such as ``copy``.
        env_id: Id of the environment, including its version, such as ``ntm_envs/Copy-v0``.
        task: Class of the task, or a reference to it, which is imported when necessary.
        training: Sizes for training: an int or a range ``(low, high)`` for each size.
        ladders: Sizes for evaluation, by the name of the size that grows. The first rung of each ladder is
            the largest training size; all other rungs are beyond it.
        further: Rungs beyond those of a ladder, by its name. They are too long for models whose steps cost
            more in longer episodes; evaluation plays them only on request, and scores do not count them.
        suite: Suite of the task. Each suite has its own ranking and tables.
        metric: Primary metric.
        learners: Training signals from which models may learn the task.
        sequences: Number of sequences per rung; None means 512 up to 500 steps, and 256 beyond, but 32 on
            the further rungs.
        small: Sizes for quick tests; None means the training range.
        digest: Digest of the row and its episodes (:func:`ntm_envs.testing.digest`). Tests compare it, so
            that a published benchmark cannot change unnoticed.
        summary: Description of the agent's objective in one line.
        order: Position in the tables of the suite; ties are sorted by name.

    Raises:
        ValueError: If the training range, a ladder or another field is invalid.
    """

    name: str
    env_id: str
    task: str | type[Task]
    training: Mapping[str, int | tuple[int, int]]
    ladders: Mapping[str, tuple[Rung, ...]]
    further: Mapping[str, tuple[Rung, ...]] = field(default_factory=dict)
    suite: str = "own"
    metric: Metric = "sequences"
    learners: tuple[Learner, ...] = get_args(Learner)
    sequences: int | None = None
    small: Mapping[str, int | tuple[int, int]] | None = None
    digest: str | None = None
    summary: str = ""
    order: int = 1000

    def __post_init__(self) -> None:
        training = {n: tuple(s) if isinstance(s, list) else s for n, s in self.training.items()}
        object.__setattr__(self, "training", training)  # with tuples, where JSON had lists
        for name, size in training.items():
            bounds = size if isinstance(size, tuple) else (size, size)
            if not (len(bounds) == 2 and 1 <= bounds[0] <= bounds[1]):
                raise ValueError(
                    f"{self.name}: training has {name}={size!r}; expected an integer of at least 1, or a "
                    "range (low, high)"
                )
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.suite) or self.suite == "index":  # names a web page
            raise ValueError(
                f"{self.name}: suite is {self.suite!r}; expected lower-case letters, digits, _ and -, and a "
                "name other than 'index'"
            )
        if not (self.ladders and all(self.ladders.values())):
            raise ValueError(f"{self.name}: ladders is {self.ladders!r}; expected at least one rung in each")
        for name, rungs in self.ladders.items():
            self._check_ladder(name, (*rungs, *self.further.get(name, ())))
        if unknown := self.further.keys() - self.ladders.keys():
            raise ValueError(
                f"{self.name}: further has {min(unknown)!r}; expected names of ladders, "
                f"{', '.join(self.ladders)}"
            )
        if self.sequences is not None and self.sequences < 1:
            raise ValueError(f"{self.name}: sequences is {self.sequences}; expected at least 1, or None")
        if self.metric not in get_args(Metric):
            raise ValueError(f"{self.name}: metric is {self.metric!r}; expected one of {get_args(Metric)}")
        if not self.learners or not set(self.learners) <= set(get_args(Learner)):
            raise ValueError(
                f"{self.name}: learners is {self.learners}; expected at least one of {get_args(Learner)}"
            )

    def _check_ladder(self, name: str, rungs: tuple[Rung, ...]) -> None:
        """Check that a ladder starts at the largest training size and grows from there."""
        if any(rung.keys() != self.training.keys() for rung in rungs) or name not in self.training:
            raise ValueError(
                f"{self.name}: the ladder {name!r} has {rungs}; expected each rung to have a value for "
                f"each of {', '.join(self.training)}"
            )
        values = [rung[name] for rung in rungs]
        if values != sorted(set(values)):
            raise ValueError(f"{self.name}: the ladder {name!r} has {values}; expected growing values")
        # Scores treat all rungs but the first as beyond the training range.
        if dict(rungs[0]) != self.largest:
            raise ValueError(
                f"{self.name}: the ladder {name!r} starts at {dict(rungs[0])}; expected the largest "
                f"training size, {self.largest}"
            )

    def make(self, **parameters: Any) -> Task:
        """Create the task with the given parameters, such as ``bits=8``.

        Raises:
            TypeError: If the task does not have a parameter.
        """
        task = load(self.task) if isinstance(self.task, str) else self.task
        made: Task = task(**parameters)
        return made

    @property
    def largest(self) -> dict[str, int]:
        """The largest value of each size in the training range."""
        return {n: s if isinstance(s, int) else s[1] for n, s in self.training.items()}

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """The distinct rungs of all ladders, in order."""
        return _distinct(self.ladders)

    @property
    def further_rungs(self) -> tuple[Rung, ...]:
        """The distinct further rungs, in order."""
        return _distinct(self.further)

    def rung_sequences(self, rung: Rung) -> int:
        """Return the number of sequences that evaluation plays on a rung."""
        if self.sequences is not None:
            return self.sequences
        if rung in self.further_rungs:
            return FURTHER_SEQUENCES
        return 512 if self.make().steps(**rung) <= 500 else 256


def _distinct(ladders: Mapping[str, tuple[Rung, ...]]) -> tuple[Rung, ...]:
    """Return the distinct rungs of ladders, in order."""
    rungs: list[Rung] = []
    for ladder in ladders.values():
        rungs += [rung for rung in ladder if rung not in rungs]
    return tuple(rungs)


def ladder(size: str, values: tuple[int, ...], **others: int) -> dict[str, tuple[Rung, ...]]:
    """Return a ladder along one size, with all other sizes fixed.

    Example:
        >>> ladder("repeats", (10, 20), length=10)
        {'repeats': ({'repeats': 10, 'length': 10}, {'repeats': 20, 'length': 10})}
    """
    return {size: tuple({size: value, **others} for value in values)}
