"""The admission of results to a board: those that do not belong there are left out, each with the reason.

One bad result must not take the board from everybody else, so results are admitted one after the other, and
each has to agree with those before it: first those of the project, and then those that a reader adds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.copies import Models
from ntm_leaderboard.board.numbers import impossible_return
from ntm_leaderboard.board.rows import TRACKS, in_present_names, track_of
from ntm_leaderboard.board.statistics import learned, task_score
from ntm_leaderboard.harness.entrants import AGENTS
from ntm_leaderboard.results import Result

REFERENCES = {row.name for row in AGENTS if not row.learns}
"""Names of references."""


@dataclass(frozen=True)
class Candidate:
    """A result that may belong on a board.

    Attributes:
        agent: The name of its row.
        result: The result.
        file: The file that it was read from, if it was.
    """

    agent: str
    result: Result
    file: str | None = None

    @property
    def name(self) -> str:
        """The file, or agent, task and seed in words."""
        return self.file or f"{self.agent} on {self.result.task}, seed {self.result.seed}"

    @cached_property
    def entry(self) -> str:
        """The reference to its class, in the names of this version."""
        return str(in_present_names(self.result)["entry"])


def admit(candidates: Iterable[Candidate]) -> tuple[list[Candidate], list[str]]:
    """Return the candidates that belong on a board, and a sentence about each other one."""
    admitted: list[Candidate] = []
    models: dict[str, Models] = defaultdict(Models)
    runs: set[str] = set()
    by_agent: dict[str, Candidate] = {}
    common: dict[str, tuple[dict[str, int], ...]] = {}
    reasons = []
    specs: dict[str, TaskSpec | None] = {}
    for candidate in candidates:
        result = candidate.result
        if result.task not in specs:  # to look a task up takes longer than all else
            specs[result.task] = _known(result.task)
        if (spec := specs[result.task]) is None:
            reasons.append(
                f"results on {result.task} are left out: the task is unknown; name it: --tasks FILE.py:ROW"
            )
            continue
        there, first = models[result.task], by_agent.get(candidate.agent, candidate)
        rungs = common_rungs([result], spec, common.get(result.task))
        run = f"{candidate.agent}, {result.task}, seed {result.seed}"
        reason = (
            _unfit(candidate, first)
            or (f"there is another result of {run}; keep one" if run in runs else None)
            or _copied(result, there)
            or _unscored(result, spec, rungs)
        )
        if reason:
            reasons.append(f"{candidate.name} is left out: {reason}")
            continue
        admitted.append(candidate)
        there.add(result)
        runs.add(run)
        common[result.task] = rungs
        by_agent.setdefault(candidate.agent, candidate)
    return admitted, list(dict.fromkeys(reasons))


def contradiction(result: Result, board: Iterable[Result]) -> str | None:
    """Return what a result contradicts on a board that may have it already; None if nothing.

    Here, names have to differ by more than the case of their letters.
    """
    own = (result.agent, result.task, result.seed)
    others = [other for other in board if (other.agent, other.task, other.seed) != own]
    named = (other for other in others if other.agent.casefold() == result.agent.casefold())
    first = next(named, result)
    models = Models(other for other in others if other.task == result.task)
    return _unfit(Candidate(result.agent, result), Candidate(first.agent, first)) or _copied(result, models)


def common_rungs(
    results: Iterable[Result], spec: TaskSpec, among: Iterable[Mapping[str, int]] | None = None
) -> tuple[dict[str, int], ...]:
    """Return the rungs of a task, or those among some of them, that all results have."""
    played = [[rung.sizes for rung in result.rungs] for result in results]
    rungs = spec.rungs if among is None else among
    return tuple(dict(sizes) for sizes in rungs if all(dict(sizes) in others for others in played))


def only(result: Result, rungs: Iterable[dict[str, int]]) -> Result:
    """Return a result with some of its rungs alone."""
    kept = list(rungs)
    return result.model_copy(update={"rungs": [rung for rung in result.rungs if rung.sizes in kept]})


def _known(task: str) -> TaskSpec | None:
    """Return the row of a task; None if it is unknown, as one of somebody's own may be."""
    try:
        return tasks.spec(task)
    except ValueError:
        return None


def _unfit(candidate: Candidate, first: Candidate) -> str | None:
    """Return what a result contradicts in the first one of its agent."""
    agent, result, other = candidate.agent, candidate.result, first.result
    if agent != first.agent:
        return f"the name {agent} differs from {first.agent} by case alone; choose another"
    if candidate.entry != first.entry:
        return (
            f"{agent} is {first.entry} on {other.task}, seed {other.seed}, but {candidate.entry} here; "
            "choose another name"
        )
    if track_of(result) != track_of(other):
        return (
            f"{agent} has learnt from {TRACKS[track_of(other)]} on {other.task}, seed {other.seed}, but from "
            f"{TRACKS[track_of(result)]} here; choose another name"
        )
    return None


def _copied(result: Result, there: Models) -> str | None:
    """Return which model on the same task a result's is a copy of."""
    if found := there.copied(result):
        return (
            f"its model ({result.commitment[:12]}) is a copy of that of {found}, up to noise or order; "
            "expected another training"
        )
    return None


def _unscored(result: Result, spec: TaskSpec, rungs: Sequence[dict[str, int]]) -> str | None:
    """Return the reason for which a result has no score, or none over the rungs that all have."""
    if unknown := sorted(result.rungs[0].references.keys() - REFERENCES):
        return f"it has the reference {unknown[0]}; expected some of {', '.join(sorted(REFERENCES))}"
    try:
        learned(result, spec)
        if task_score(result, spec) is None:
            return (
                f"it has no rung of {spec.name} beyond the training range; evaluate it: ntm-envs evaluate RUN"
            )
        if len(rungs) < len(result.rungs) and task_score(only(result, rungs), spec) is None:
            return (
                f"it has no rung of {spec.name} beyond the training range in common with the others; "
                "evaluate it on more of the ladder: ntm-envs evaluate RUN"
            )
    except ValueError as error:
        return str(error)
    return impossible_return(spec.make(), only(result, map(dict, spec.rungs)).rungs)
