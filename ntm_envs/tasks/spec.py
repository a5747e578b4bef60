"""A row of the task table: what makes a task a benchmark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ntm_envs.lookup import load
from ntm_envs.tasks.base import Task

Rung = Mapping[str, int]
Metric = Literal["sequences", "cost"]
"""The primary metric of a task: the share of sequences whose every symbol is right; or, where even the
best agent errs, the share of the cost in bits of uniform guesses that is saved, of what can be saved."""
Learner = Literal["supervised", "reward"]
"""What models learn from: targets, or rewards alone."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A row of the task table.

    Attributes:
        name: Name of the task on the command line, such as ``copy``.
        env_id: Id of its environment, with its version, such as ``ntm_envs/Copy-v0``.
        task: The task's class, or a reference to it that is loaded when it is needed.
        training: The sizes that models train on: an int, or a range ``(low, high)``.
        ladders: The sizes on which models are evaluated, by the size that grows. The first rung of each
            ladder is the largest training size; later ones are beyond it.
        suite: The suite that it belongs to; presets, rankings and tables are about suites.
        metric: The primary metric.
        learners: What models may learn it from.
        sequences: Number of sequences of a rung; None for 512 up to 500 steps and 256 beyond.
        small: Sizes for quick tests; the training range without it.
        digest: Digest of the row and of its episodes (:func:`ntm_envs.testing.digest`), of rows that are
            never to change.
        summary: What an agent has to do, in a line.
        order: Place in the suite's tables; equal places go by name.

    Raises:
        ValueError: If the training range or a ladder makes no sense; the message says why.
    """

    name: str
    env_id: str
    task: str | type[Task]
    training: Mapping[str, int | tuple[int, int]]
    ladders: Mapping[str, tuple[Rung, ...]]
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
        object.__setattr__(self, "training", training)  # JSON gives lists
        for name, size in training.items():
            bounds = size if isinstance(size, tuple) else (size, size)
            if not (len(bounds) == 2 and 1 <= bounds[0] <= bounds[1]):
                raise ValueError(
                    f"{self.name}: training has {name}={size!r}; expected an integer of at least 1, or a "
                    "range (low, high)"
                )
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.suite) or self.suite == "index":  # its page's name
            raise ValueError(
                f"{self.name}: suite is {self.suite!r}; expected lower-case letters, digits, _, -, not index"
            )
        if not (self.ladders and all(self.ladders.values())):
            raise ValueError(f"{self.name}: ladders is {self.ladders!r}; expected at least one rung in each")
        for name, rungs in self.ladders.items():
            self._check_ladder(name, rungs)
        if self.sequences is not None and self.sequences < 1:
            raise ValueError(f"{self.name}: sequences is {self.sequences}; expected at least 1, or None")
        if self.metric not in get_args(Metric):
            raise ValueError(f"{self.name}: metric is {self.metric!r}; expected one of {get_args(Metric)}")
        if not self.learners or not set(self.learners) <= set(get_args(Learner)):
            raise ValueError(
                f"{self.name}: learners is {self.learners}; expected some of {get_args(Learner)}"
            )

    def _check_ladder(self, name: str, rungs: tuple[Rung, ...]) -> None:
        """Refuse a ladder that does not begin at the largest training size and grow from there."""
        if any(rung.keys() != self.training.keys() for rung in rungs) or name not in self.training:
            raise ValueError(
                f"{self.name}: the ladder {name!r} has {rungs}; expected each rung to give a value to "
                f"each of {', '.join(self.training)}"
            )
        values = [rung[name] for rung in rungs]
        if values != sorted(set(values)):
            raise ValueError(f"{self.name}: the ladder {name!r} has {values}; expected growing values")
        # Otherwise a rung inside the training range would count as one beyond it.
        if dict(rungs[0]) != self.largest:
            raise ValueError(
                f"{self.name}: the ladder {name!r} begins with {dict(rungs[0])}; expected the largest "
                f"training size, {self.largest}"
            )

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
        """Return the number of sequences of a rung."""
        if self.sequences is not None:
            return self.sequences
        return 512 if self.make().steps(**rung) <= 500 else 256


def ladder(size: str, values: tuple[int, ...], **others: int) -> dict[str, tuple[Rung, ...]]:
    """Return a ladder along one size, with the other sizes fixed."""
    return {size: tuple({size: value, **others} for value in values)}
