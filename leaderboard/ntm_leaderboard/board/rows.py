"""The rows of boards: agents and their scores on tasks. Nothing computed here is ever stored."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ntm_agents.migrate import migrate
from ntm_leaderboard.board.statistics import (
    bootstrap_interval,
    interquartile_mean,
    probability_of_improvement,
)
from ntm_leaderboard.results import Result

BUDGETS = ((100_000, "100 thousand"), (1_000_000, "1 million"))
"""Classes of training sequences seen, by the most that a run of the agent has seen; `open` beyond."""
UNTRAINED = 0.5
"""Mean score before training, at the largest training size, from which on an agent has not learnt."""
TRACKS = {"supervised": "targets", "reward": "rewards alone", "elsewhere": "something else"}
"""Training signals of the tracks, in words. An agent is ranked among those of its track; the last track is of
agents that were not trained here."""


@dataclass(frozen=True)
class Standing:
    """The results of an agent on one task.

    Attributes:
        results: One for each seed, by seed.
        scores: Their scores beyond the training range.
        learned: Their scores at the largest training size.
    """

    results: tuple[Result, ...]
    scores: tuple[float, ...]
    learned: tuple[float, ...]

    @cached_property
    def score(self) -> float:
        """The mean over seeds."""
        return float(np.mean(self.scores))

    @cached_property
    def untrained(self) -> float | None:
        """The mean score of its models before training, at the largest training size; None if unknown."""
        probes = [result.probe for result in self.results if result.probe]
        scores = [probe.untrained for probe in probes if probe.untrained is not None]
        return float(np.mean(scores)) if scores else None

    @property
    def learnt(self) -> bool:
        """False if its models are right before training, so that they have learnt nothing."""
        return self.untrained is None or self.untrained < UNTRAINED

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % bootstrap interval of the mean."""
        return bootstrap_interval(self.scores)

    @property
    def privileges(self) -> tuple[str, ...]:
        """The privileges of all its results."""
        return tuple(sorted({name for result in self.results for name in result.privileges}))

    @property
    def held(self) -> str | None:
        """The place of weights that do not lie beside its results, in words; None if all do."""
        return _held(self.results)


@dataclass(frozen=True)
class Row:
    """An agent on the board.

    Attributes:
        agent: Its name.
        standings: Its results by the ids of tasks.
        own: Whether the reader has added it to the board.
    """

    agent: str
    standings: dict[str, Standing]
    own: bool = False

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """All its results."""
        return tuple(result for standing in self.standings.values() for result in standing.results)

    @cached_property
    def score(self) -> float:
        """The plain mean over its tasks of the mean over seeds."""
        return float(np.mean([standing.score for standing in self.standings.values()]))

    @property
    def learnt(self) -> bool:
        """False if its models are right before training on a task."""
        return all(standing.learnt for standing in self.standings.values())

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Its 95 % bootstrap interval; the seeds of each task are resampled by themselves."""
        return bootstrap_interval(*(standing.scores for standing in self.standings.values()))

    @property
    def interquartile_mean(self) -> float:
        """The interquartile mean of the scores of all its runs."""
        return interquartile_mean(
            [score for standing in self.standings.values() for score in standing.scores]
        )

    def share_above(self, score: float) -> float:
        """Return the share of its runs on a task that score more, as a mean over tasks.

        For all scores, that is a performance profile.
        Source: Agarwal et al., *Deep Reinforcement Learning at the Edge of the Statistical Precipice* (2021).
        """
        shares = [np.mean(np.array(standing.scores) > score) for standing in self.standings.values()]
        return float(np.mean(shares))

    def improvement_over(self, other: Row) -> float:
        """Return the probability that a run of it scores more than one of another agent.

        It is the mean over the tasks that both have results on.
        """
        both = [task for task in self.standings if task in other.standings]
        pairs = [(self.standings[task].scores, other.standings[task].scores) for task in both]
        return float(np.mean([probability_of_improvement(own, theirs) for own, theirs in pairs]))

    @property
    def track(self) -> str:
        """Its track, of `TRACKS`."""
        return track_of(self.results[0])

    @cached_property
    def tuned(self) -> bool:
        """True if its configurations differ from task to task."""
        trained = [in_present_names(result) for result in self.results if result.training]
        return any(_differ(found[part], trained[0][part]) for found in trained for part in ("model", "train"))

    @property
    def budget(self) -> str:
        """The class of its budget, by the training sequences that it has seen; `open` if that is unknown."""
        seen = [result.training.sequences if result.training else math.inf for result in self.results]
        return next((name for limit, name in BUDGETS if max(seen) <= limit), "open")

    @property
    def status(self) -> str:
        """`doubted` if any result is, `verified` if all are, and otherwise `self-reported`."""
        statuses = {result.status for result in self.results}
        if "doubted" in statuses:
            return "doubted"
        return "self-reported" if "self-reported" in statuses else "verified"

    @property
    def privileges(self) -> tuple[str, ...]:
        """The privileges of all its results, on any task."""
        return tuple(sorted({name for found in self.standings.values() for name in found.privileges}))

    @property
    def held(self) -> str | None:
        """The place of weights that do not lie beside its results, in words; None if all do."""
        return _held(self.results)


def in_present_names(result: Result) -> dict[str, Any]:
    """Return the description of a result in the names of this version; as it was written if it has none."""
    try:
        return migrate(result.description)
    except (AttributeError, KeyError, TypeError, ValueError):  # an option is unknown, or of another type
        return result.description


def track_of(result: Result) -> str:
    """Return the track of a result, of `TRACKS`."""
    return result.training.track if result.training else "elsewhere"


def _held(results: Iterable[Result]) -> str | None:
    """Return the place of weights that do not lie beside their results, in words; None if all do."""
    held = [result.held for result in results if result.held]
    if not held:
        return None
    return "weights in the history" if all(found.in_history for found in held) else "weights held elsewhere"


def _differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether options differ; one that either lacks came later, and makes no difference."""
    return any(one[name] != other[name] for name in one.keys() & other.keys())
