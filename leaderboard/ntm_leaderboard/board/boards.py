"""Boards: the results on a suite, agent by agent, and ranked. Nothing computed is stored.

    python -m ntm_leaderboard.board.boards > leaderboard/ntm_leaderboard/board/board.json

puts the committed results into the one file that comes with the package; run it from the project's root.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from pydantic import TypeAdapter

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.admission import Candidate, admit, common_rungs, only
from ntm_leaderboard.board.probes import PROBES, with_probes
from ntm_leaderboard.board.records import check_records, verified_or_claimed
from ntm_leaderboard.board.rows import TRACKS, Row, Standing
from ntm_leaderboard.board.statistics import learned, task_score
from ntm_leaderboard.results import SEEDS, Result

SHIPPED = Path(__file__).with_name("board.json")
"""The results that come with the package."""


@dataclass(frozen=True)
class Board:
    """The board of a suite: all results on its tasks.

    Attributes:
        suite: The name of the suite.
        rows: The agents.
        rungs: The rungs that all results on a task have, by the ids of tasks in the order of their table.
            Scores are over these.
    """

    suite: str
    rows: tuple[Row, ...]
    rungs: dict[str, tuple[dict[str, int], ...]]

    @classmethod
    def of(cls, suite: str, named: Iterable[tuple[str, Result]], own: Iterable[str] = ()) -> Board:
        """Return the board of results that were admitted.

        Args:
            suite: The name of the suite.
            named: Results on its tasks, each with the name of its row.
            own: The names of rows that the reader has added.
        """
        by_task: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
        for agent, result in named:
            by_task[result.task][agent].append(result)
        rungs, standings = {}, defaultdict[str, dict[str, Standing]](dict)
        for spec in tasks.suite(suite):
            if spec.env_id not in by_task:
                continue
            every = by_task[spec.env_id].values()
            rungs[spec.env_id] = common_rungs([result for found in every for result in found], spec)
            for agent, found in by_task[spec.env_id].items():
                standings[agent][spec.env_id] = _standing(found, spec, rungs[spec.env_id])
        mine = set(own)
        rows = tuple(Row(agent, found, agent in mine) for agent, found in standings.items())
        return cls(suite, rows, rungs)

    @cached_property
    def specs(self) -> tuple[TaskSpec, ...]:
        """The tasks with scores."""
        return tuple(tasks.spec(task) for task in self.rungs)

    @cached_property
    def ranked(self) -> tuple[Row, ...]:
        """The agents that have learnt all tasks of the board, with enough seeds: by track, the best first."""
        return _best_first((row for row in self.rows if self.complete(row)), lambda row: row)

    @cached_property
    def listed(self) -> tuple[Row, ...]:
        """All agents: those that are ranked, and then the others, those with the most tasks first."""
        others = [row for row in self.rows if not self.complete(row)]
        return (*self.ranked, *sorted(others, key=lambda row: (-len(row.standings), -row.score)))

    @cached_property
    def references(self) -> tuple[Row, ...]:
        """Oracle, best constant output and uniform guesses, on the sequences of one of the results."""
        standings: dict[str, dict[str, Standing]] = defaultdict(dict)
        for spec in self.specs:
            result = self.ranking(spec)[0].standings[spec.env_id].results[0]
            for name in result.rungs[0].references:
                rungs = [
                    rung.model_copy(update={"score": rung.references[name]})
                    for rung in result.rungs
                    if name in rung.references
                ]
                as_its_own = result.model_copy(update={"agent": name, "training": None, "rungs": rungs})
                standings[name][spec.env_id] = _standing([as_its_own], spec, self.rungs[spec.env_id])
        there = {row.agent for row in self.rows}
        rows = (Row(name, found) for name, found in standings.items() if name not in there)
        return _best_first(rows, lambda row: row)

    @property
    def shortened(self) -> dict[str, dict[str, list[int]]]:
        """Sizes that scores are over, by task id and ladder, where these are not all."""
        return {
            spec.env_id: {
                size: [rung[size] for rung in ladder if dict(rung) in common and rung != spec.largest]
                for size, ladder in spec.ladders.items()
            }
            for spec, common in zip(self.specs, self.rungs.values(), strict=True)
            if len(common) < len(spec.rungs)
        }

    def complete(self, row: Row) -> bool:
        """Return whether an agent may be ranked over all tasks of the board."""
        counts = [len(found.scores) for found in row.standings.values()]
        return row.learnt and len(counts) == len(self.rungs) and min(counts) >= SEEDS

    def ranking(self, spec: TaskSpec) -> tuple[Row, ...]:
        """Return the agents with results on one task, with any number of seeds, in the order of `ranked`."""
        return self._rankings[spec.env_id]

    @cached_property
    def _rankings(self) -> dict[str, tuple[Row, ...]]:
        def ranking(task: str) -> tuple[Row, ...]:
            there = (row for row in self.rows if task in row.standings)
            return _best_first(there, lambda row: row.standings[task])

        return {task: ranking(task) for task in self.rungs}


@dataclass(frozen=True)
class Boards:
    """All results, as a board for each suite.

    Attributes:
        by_suite: The boards that have a row.
        left_out: A sentence about each result that was left out: its file, or its agent, task and seed, and
            the reason.
    """

    by_suite: dict[str, Board]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, results: Iterable[Result], own: Iterable[Result] = (), *, files: Sequence[Path] = ()
    ) -> Boards:
        """Return the boards of results.

        Results that do not belong there are left out (:mod:`ntm_leaderboard.board.admission`), and so are own
        ones that are among the others.

        Args:
            results: The results on the boards.
            own: Results that the reader adds, as rows of their own, which may have the name and the weights
                of one that is there.
            files: The files of own results, to name those that are left out.
        """
        results = tuple(results)
        candidates = [Candidate(result.agent, result) for result in results]
        there = {result.commitment: result for result in results}
        for result, file in zip_longest(own, files):
            if not _same(result, there.get(result.commitment)):
                agent = f"{result.agent} (yours)" if results else result.agent
                candidates.append(Candidate(agent, result, str(file) if file else None))
        admitted, left_out = admit(candidates)
        by_suite: dict[str, list[tuple[str, Result]]] = defaultdict(list)
        suite_of = {task: tasks.spec(task).suite for task in {found.result.task for found in admitted}}
        for found in admitted:
            by_suite[suite_of[found.result.task]].append((found.agent, found.result))
        mine = {found.agent for found in candidates[len(results) :]} if results else set()
        suites = filter(by_suite.__contains__, tasks.suites())
        return cls({suite: Board.of(suite, by_suite[suite], mine) for suite in suites}, tuple(left_out))

    @classmethod
    def read(
        cls, folders: Sequence[Path] = (), *, records: Path | None = None, shipped: bool = True
    ) -> Boards:
        """Return the boards of the results in folders, and of those that come with the package.

        Files that cannot be read are left out.

        Args:
            folders: Folders of results.
            records: Folder of a verifier's records, which stand in place of the claims.
            shipped: Whether to add those that come with the package.

        Raises:
            ValueError: If there are none, or no folder of records where one is named.
        """
        if records:
            check_records(records)
        own: dict[Path, Result] = {}
        unread: list[str] = []
        for folder in folders:
            for path in _files_in(folder):
                try:
                    own[path] = verified_or_claimed(path, records)
                except (OSError, ValueError) as error:
                    unread.append(f"{path} is left out: {error}")
        there = load(SHIPPED) if shipped else []
        if not there and not own and not unread:
            raise ValueError("there are no results; make some: ntm-envs bench, then --results bench/quick")
        boards = cls.of(there, own.values(), files=list(own))
        return cls(boards.by_suite, (*unread, *boards.left_out))

    def only(self, suites: Sequence[str]) -> Boards:
        """Return the boards of some suites, all of them if none are named.

        Raises:
            ValueError: If a suite is unknown, or there are no results on it.
        """
        for suite in suites:
            tasks.suite(suite)  # refuses unknown ones
            if suite not in self.by_suite:
                raise ValueError(
                    f"there are no results on the suite {suite!r}; make some: ntm-envs bench --suite {suite}"
                )
        chosen = {suite: self.by_suite[suite] for suite in suites or self.by_suite}
        return Boards(chosen, self.left_out)


def places(rows: Iterable[Row], spec: TaskSpec | None = None) -> dict[str, int]:
    """Return the place of each agent, from 1, among those of its track; equal scores share one.

    An agent that has not learnt has none.

    Args:
        rows: The agents.
        spec: The task whose scores count; without it, those over all tasks.
    """
    scored = [(row, row.standings[spec.env_id] if spec else row) for row in rows]
    found = {row.agent: (row.track, part.score) for row, part in scored if part.learnt}
    return {
        agent: 1 + sum(other == track and better > score for other, better in found.values())
        for agent, (track, score) in found.items()
    }


def results_in(folder: Path, records: Path | None = None) -> list[Result]:
    """Return the results below a folder; what a folder of records has stands in place of the claims.

    Raises:
        ValueError: If there are none, or one of them is damaged.
    """
    return [verified_or_claimed(path, records) for path in _files_in(folder)]


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause the garbage collector for a command: it takes half of the time of thousands of results.

    It would go through all of them again and again, and they are in use until the end.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _is_hidden(path: Path) -> bool:
    """Return whether a part of a path is hidden, as are runs that are being packed."""
    return any(part.startswith(".") for part in path.parts)


def load(path: Path) -> list[Result]:
    """Return the results in a file that `dump` has made."""
    return TypeAdapter(list[Result]).validate_json(path.read_bytes())


def dump(results: Iterable[Result]) -> str:
    """Return the text of a JSON file of results, a line each, without fields that have their defaults."""
    return "[" + ",".join(f"\n{result.model_dump_json(exclude_defaults=True)}" for result in results) + "\n]"


def _best_first(rows: Iterable[Row], scored: Callable[[Row], Row | Standing]) -> tuple[Row, ...]:
    """Return rows track by track, the best first, and those that have not learnt last."""

    def order(row: Row) -> tuple[int, bool, float]:
        return list(TRACKS).index(row.track), not scored(row).learnt, -scored(row).score

    return tuple(sorted(rows, key=order))


def _standing(results: Iterable[Result], spec: TaskSpec, rungs: Sequence[dict[str, int]]) -> Standing:
    found = sorted(results, key=lambda result: result.seed)
    scores = [task_score(only(result, rungs), spec) for result in found]
    first = [learned(result, spec) for result in found]
    return Standing(
        results=tuple(found),
        scores=tuple(score for score in scores if score is not None),
        learned=tuple(score for score in first if score is not None),
    )


def _same(one: Result, other: Result | None) -> bool:
    """Return whether two results are the same but for their probes, which earlier ones have elsewhere."""
    return other is not None and one == other.model_copy(update={"probe": one.probe})


def _files_in(folder: Path) -> list[Path]:
    """Return the files of results below a folder, but for hidden ones.

    Raises:
        ValueError: If there are none.
    """
    paths = sorted(folder.rglob("result.json"))
    files = [path for path in paths if not _is_hidden(path.relative_to(folder))]
    if not files:
        raise ValueError(f"there is no result.json in {folder}; make some with: ntm-envs bench")
    return files


if __name__ == "__main__":
    with without_collector():
        found = results_in(Path("leaderboard/results"), Path("leaderboard/verified"))
        print(dump(with_probes(found, PROBES)))
