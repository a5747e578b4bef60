"""Boards: the results on a suite, agent by agent, and ranked. Nothing computed is stored.

    python -m ntm_leaderboard.board.boards > leaderboard/ntm_leaderboard/board/board.json

puts the committed results into the one file that comes with the package; run it from the project's root.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.records import verified_or_claimed
from ntm_leaderboard.board.rows import TRACKS, Row, Standing, in_present_names, track_of
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
        """Return the board of results; those without a rung beyond the training range have no score.

        Args:
            suite: The name of the suite.
            named: Results on its tasks, each with the name of its row.
            own: The names of rows that the reader has added.

        Raises:
            ValueError: If results on a task have no rung beyond the training range in common.
        """
        by_task: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
        for agent, result in named:
            if task_score(result, tasks.spec(result.task)) is not None:
                by_task[result.task][agent].append(result)
        rungs, standings = {}, defaultdict[str, dict[str, Standing]](dict)
        for spec in tasks.suite(suite):
            if spec.env_id not in by_task:
                continue
            every = by_task[spec.env_id].values()
            rungs[spec.env_id] = _common_rungs([result for found in every for result in found], spec)
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
        """The agents with enough seeds on all tasks of the board: track by track, the best first."""
        return _best_first((row for row in self.rows if self.complete(row)), lambda row: row.score)

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
        return _best_first(rows, lambda row: row.score)

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
        return len(counts) == len(self.rungs) and min(counts) >= SEEDS

    def ranking(self, spec: TaskSpec) -> tuple[Row, ...]:
        """Return the agents with results on one task, with any number of seeds, in the order of `ranked`."""
        there = (row for row in self.rows if spec.env_id in row.standings)
        return _best_first(there, lambda row: row.standings[spec.env_id].score)


@dataclass(frozen=True)
class Boards:
    """All results, as a board for each suite.

    Attributes:
        by_suite: The boards that have a row.
        left_out: The ids of unknown tasks that there were results on.
    """

    by_suite: dict[str, Board]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, results: Iterable[Result], own: Iterable[Result] = ()) -> Boards:
        """Return the boards of results.

        Results on unknown tasks are left out, and so are own ones that are among the others.

        Args:
            results: The results on the boards.
            own: Results that the reader adds, as rows of their own, which may have the name and the weights
                of one that is there.

        Raises:
            ValueError: If two results are of the same agent, task and seed, if an agent has the weights of
                another, if one has two entries, if one has learnt from targets here and from rewards there,
                or if results on a task have no rung beyond the training range in common.
        """
        results, own = tuple(results), tuple(own)
        named = [(result.agent, result) for result in results]
        yours = [(f"{result.agent} (yours)" if results else result.agent, result) for result in own]
        yours = [(agent, result) for agent, result in yours if result not in results]
        _refuse_what_does_not_go_together([*named, *yours])
        by_suite: dict[str, list[tuple[str, Result]]] = defaultdict(list)
        unknown = set()
        for agent, result in (*named, *yours):
            try:
                by_suite[tasks.spec(result.task).suite].append((agent, result))
            except ValueError:  # one of somebody's own
                unknown.add(result.task)
        mine = {agent for agent, _ in yours} if results else set()
        there = filter(by_suite.__contains__, tasks.suites())
        boards = {suite: Board.of(suite, by_suite[suite], mine) for suite in there}
        with_rows = {suite: board for suite, board in boards.items() if board.rows}
        return cls(with_rows, tuple(sorted(unknown)))

    @classmethod
    def read(
        cls, folders: Sequence[Path] = (), *, records: Path | None = None, shipped: bool = True
    ) -> Boards:
        """Return the boards of the results in folders, and of those that come with the package.

        Args:
            folders: Folders of results.
            records: Folder of a verifier's records, which stand in place of the claims.
            shipped: Whether to add those that come with the package.

        Raises:
            ValueError: If there are none, or they do not go together.
        """
        own = [result for folder in folders for result in results_in(folder, records)]
        there = load(SHIPPED) if shipped else []
        if not there and not own:
            raise ValueError("there are no results; make some: ntm-envs bench, then --results bench/quick")
        return cls.of(there, own)

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

    Args:
        rows: The agents.
        spec: The task whose scores count; without it, those over all tasks.
    """
    found = {row.agent: (row.track, (row.standings[spec.env_id] if spec else row).score) for row in rows}
    return {
        agent: 1 + sum(other == track and better > score for other, better in found.values())
        for agent, (track, score) in found.items()
    }


def results_in(folder: Path, records: Path | None = None) -> list[Result]:
    """Return the results below a folder; what a folder of records has stands in place of the claims.

    Raises:
        ValueError: If there are none, or one of them is damaged.
    """
    paths = sorted(folder.rglob("result.json"))
    shown = [path for path in paths if not _is_hidden(path.relative_to(folder))]
    results = [verified_or_claimed(path, records) for path in shown]
    if not results:
        raise ValueError(f"there is no result.json in {folder}; make some with: ntm-envs bench")
    return results


def _is_hidden(path: Path) -> bool:
    """Return whether a part of a path is hidden, as are runs that are being packed."""
    return any(part.startswith(".") for part in path.parts)


def load(path: Path) -> list[Result]:
    """Return the results in a file that `dump` has made."""
    return TypeAdapter(list[Result]).validate_json(path.read_bytes())


def dump(results: Iterable[Result]) -> str:
    """Return the text of a JSON file of results, a line each."""
    return "[" + ",".join(f"\n{result.model_dump_json()}" for result in results) + "\n]"


def _best_first(rows: Iterable[Row], score: Callable[[Row], float]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (list(TRACKS).index(row.track), -score(row))))


def _refuse_what_does_not_go_together(named: Iterable[tuple[str, Result]]) -> None:
    seen: set[tuple[str, str, int]] = set()
    owners: dict[str, str] = {}
    seeds: dict[tuple[str, str, str], int] = {}
    tracks: dict[str, str] = {}
    entries: dict[str, str] = {}
    for agent, result in named:
        who = (agent, result.task, result.seed)
        if who in seen:
            raise ValueError("there are two results of {}, {}, seed {}; keep one".format(*who))
        seen.add(who)
        if (owner := owners.setdefault(result.commitment, result.agent)) != result.agent:
            raise ValueError(
                f"{agent} has the weights of {owner} ({result.commitment[:12]}) on {result.task}, "
                f"seed {result.seed}; one of the two is a copy"
            )
        same = seeds.setdefault((agent, result.task, result.commitment), result.seed)
        if same != result.seed:
            raise ValueError(
                f"{agent} has the same weights with seeds {same} and {result.seed} on {result.task}; "
                "expected another training"
            )
        here = in_present_names(result)["entry"]
        if (entry := entries.setdefault(agent, here)) != here:
            raise ValueError(
                f"{agent} is {entry}, but {here} on {result.task}, seed {result.seed}; give the two "
                "different names"
            )
        if (track := tracks.setdefault(agent, track_of(result))) != track_of(result):
            raise ValueError(
                f"{agent} has learnt from {TRACKS[track]}, but from {TRACKS[track_of(result)]} on "
                f"{result.task}, seed {result.seed}; give the two different names"
            )


def _common_rungs(results: Sequence[Result], spec: TaskSpec) -> tuple[dict[str, int], ...]:
    """Return the rungs that all results on a task have."""
    played = [[rung.sizes for rung in result.rungs] for result in results]
    common = tuple(dict(sizes) for sizes in spec.rungs if all(dict(sizes) in others for others in played))
    if task_score(_on(results[0], common), spec) is None:
        raise ValueError(
            f"the results on {spec.env_id} have no rung beyond the training range in common; evaluate "
            "them on more of the ladder: ntm-envs evaluate RUN"
        )
    return common


def _on(result: Result, rungs: Sequence[dict[str, int]]) -> Result:
    """Return a result with some of its rungs alone."""
    return result.model_copy(update={"rungs": [rung for rung in result.rungs if rung.sizes in rungs]})


def _standing(results: Iterable[Result], spec: TaskSpec, rungs: Sequence[dict[str, int]]) -> Standing:
    found = sorted(results, key=lambda result: result.seed)
    scores = [task_score(_on(result, rungs), spec) for result in found]
    first = [learned(result, spec) for result in found]
    return Standing(
        results=tuple(found),
        scores=tuple(score for score in scores if score is not None),
        learned=tuple(score for score in first if score is not None),
    )


if __name__ == "__main__":
    print(dump(results_in(Path("leaderboard/results"), Path("leaderboard/verified"))))
