"""The board: results put together, agent by agent, and ranked. It is made from results, and never stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.results import Result
from ntm_leaderboard.statistics import (
    bootstrap_interval,
    interquartile_mean,
    learned,
    probability_of_improvement,
    task_score,
)

SEEDS = 5
"""Seeds that an agent needs on every task to be ranked over all of them."""
BUDGETS = ((100_000, "100 thousand"), (1_000_000, "1 million"))
"""Classes of training sequences seen, by the most that a run of the agent has seen; `open` beyond."""


@dataclass(frozen=True)
class Standing:
    """How an agent did on one task.

    Attributes:
        results: One for each seed, by seed.
        scores: Their scores beyond the training range.
        learned: Their scores at the largest training size.
    """

    results: tuple[Result, ...]
    scores: tuple[float, ...]
    learned: tuple[float, ...]

    @property
    def score(self) -> float:
        """The mean over seeds."""
        return float(np.mean(self.scores))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % bootstrap interval of the mean."""
        return bootstrap_interval(self.scores)

    @property
    def verified(self) -> bool:
        """Whether somebody else has played all of them."""
        return all(result.status == "verified" for result in self.results)


@dataclass(frozen=True)
class Row:
    """An agent on the board.

    Attributes:
        agent: What it is called.
        standings: How it did, by the ids of tasks.
    """

    agent: str
    standings: dict[str, Standing]

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """All its results."""
        return tuple(result for standing in self.standings.values() for result in standing.results)

    @property
    def score(self) -> float:
        """The plain mean over its tasks of the mean over seeds."""
        return float(np.mean([standing.score for standing in self.standings.values()]))

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % bootstrap interval; the seeds of each task are resampled by themselves."""
        return bootstrap_interval(*(standing.scores for standing in self.standings.values()))

    @property
    def interquartile_mean(self) -> float:
        """The interquartile mean of the scores of all its runs."""
        return interquartile_mean(
            [score for standing in self.standings.values() for score in standing.scores]
        )

    def improvement_over(self, other: Row) -> float:
        """Return how probable it is that a run of it scores more than one of another agent.

        It is the mean over the tasks that both have results on.
        """
        both = [task for task in self.standings if task in other.standings]
        pairs = [(self.standings[task].scores, other.standings[task].scores) for task in both]
        return float(np.mean([probability_of_improvement(own, theirs) for own, theirs in pairs]))

    @property
    def budget(self) -> str:
        """The class of the training sequences that it has seen."""
        most = max((result.training.sequences for result in self.results if result.training), default=0)
        return next((name for limit, name in BUDGETS if most <= limit), "open")

    @property
    def privileges(self) -> tuple[str, ...]:
        """What any of its results was allowed beyond the rules."""
        return tuple(sorted({name for result in self.results for name in result.privileges}))


@dataclass(frozen=True)
class Board:
    """Results put together.

    Attributes:
        specs: The tasks that there are results on, in the order of the table.
        rows: The agents.
    """

    specs: tuple[TaskSpec, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Board:
        """Put results together; those of which nothing beyond the training range was played have no score.

        Raises:
            ValueError: If two results are of the same agent, task and seed, if an agent has the weights of
                another, or if results on a task are of different rungs.
        """
        by_agent: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
        seen: dict[tuple[str, str, int], Result] = {}
        owners: dict[str, str] = {}
        rungs: dict[str, list[dict[str, int]]] = {}
        for result in results:
            who = (result.agent, result.task, result.seed)
            if who in seen:
                raise ValueError("there are two results of {}, {}, seed {}; keep one".format(*who))
            if (owner := owners.setdefault(result.commitment, result.agent)) != result.agent:
                raise ValueError(
                    f"{result.agent} has the weights of {owner} ({result.commitment[:12]}) on {result.task}, "
                    f"seed {result.seed}; one of the two is a copy"
                )
            sizes = [rung.sizes for rung in result.rungs]
            if rungs.setdefault(result.task, sizes) != sizes:
                raise ValueError(
                    f"{result.agent}, seed {result.seed}, was played on other rungs of {result.task} than "
                    "others; judge all alike"
                )
            seen[who] = result
            by_agent[result.agent][result.task].append(result)
        played = {result.task for result in seen.values()}
        specs = tuple(row for row in tasks.TABLE if row.env_id in played)
        specs += tuple(tasks.spec(task) for task in sorted(played - {row.env_id for row in specs}))
        rows = []
        for agent, by_task in by_agent.items():
            standings = {spec.env_id: _standing(by_task[spec.env_id], spec) for spec in specs}
            rows.append(Row(agent, {task: found for task, found in standings.items() if found}))
        return cls(specs, tuple(row for row in rows if row.standings))

    @classmethod
    def read(cls, folder: Path) -> Board:
        """Put the results of a folder together; what was verified stands in place of what was claimed.

        Raises:
            ValueError: If there are none, or they do not go together.
        """
        results = [_verified_or_claimed(path) for path in sorted(folder.rglob("result.json"))]
        if not results:
            raise ValueError(f"there is no result.json in {folder}; make some with: ntm-envs bench")
        return cls.of(results)

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        """The agents with enough seeds on all tasks of the board, the best first."""
        full = [row for row in self.rows if self.complete(row)]
        return tuple(sorted(full, key=lambda row: -row.score))

    @cached_property
    def listed(self) -> tuple[Row, ...]:
        """All agents: those that are ranked, and then the others, those with the most tasks first."""
        others = [row for row in self.rows if not self.complete(row)]
        return (*self.ranked, *sorted(others, key=lambda row: (-len(row.standings), -row.score)))

    def complete(self, row: Row) -> bool:
        """Tell whether an agent may be ranked over all tasks of the board."""
        counts = [len(found.scores) for found in row.standings.values()]
        return len(counts) == len(self.specs) and min(counts) >= SEEDS

    def ranking(self, spec: TaskSpec) -> tuple[Row, ...]:
        """Return the agents with results on one task, the best there first, with any number of seeds."""
        there = [row for row in self.rows if spec.env_id in row.standings]
        return tuple(sorted(there, key=lambda row: -row.standings[spec.env_id].score))


def _verified_or_claimed(path: Path) -> Result:
    claimed, beside = Result.read(path), path.with_name("verified.json")
    if not beside.exists():
        return claimed
    verified = Result.read(beside)
    if verified.commitment != claimed.commitment:
        raise ValueError(f"{beside} is of other weights than {path.name}; delete it, and verify anew")
    return verified


def _standing(results: Sequence[Result], spec: TaskSpec) -> Standing | None:
    found = sorted(results, key=lambda result: result.seed)
    scores = [(result, task_score(result, spec), learned(result, spec)) for result in found]
    whole = [(result, score, first) for result, score, first in scores if score is not None]
    if not whole:
        return None
    return Standing(
        results=tuple(result for result, _, _ in whole),
        scores=tuple(score for _, score, _ in whole),
        learned=tuple(first for _, _, first in whole if first is not None),
    )
