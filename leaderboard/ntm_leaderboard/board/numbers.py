"""Numbers of a result that contradict its task or each other, which can be seen without running a model."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ntm_envs.tasks import InteractiveTask, SequenceTask, Task, TaskSpec
from ntm_leaderboard.harness.entrants import references
from ntm_leaderboard.harness.ladder import evaluation_keys, rungs_of
from ntm_leaderboard.results import Result, Rung, Score


def check_rungs(path: Path, result: Result, spec: TaskSpec) -> None:
    """Refuse rungs that are not the whole ladder, and numbers that contradict each other.

    Raises:
        ValueError: If there are such; the message begins with the path.
    """
    task, expected = spec.make(), rungs_of(spec)
    if [(rung.sizes, rung.sequences) for rung in result.rungs] != expected:
        raise ValueError(f"{path}: rungs are not the whole ladder of {spec.env_id}; evaluate without options")
    names = references(task).keys()
    for rung in result.rungs:
        symbols, keyed = _symbols(task, result, rung)
        if rung.symbols != symbols:
            raise ValueError(f"{path}: symbols is {rung.symbols} at {rung.sizes}; expected {symbols}")
        if rung.references.keys() != names:
            raise ValueError(f"{path}: references are {sorted(rung.references)}; expected {sorted(names)}")
        if not rung.best[1] > rung.references["constant"].mean_return:
            raise ValueError(
                f"{path}: the {rung.best[0]} is no better than a constant output at {rung.sizes}"
            )
        low, high = task.return_bounds({name: np.array([size]) for name, size in rung.sizes.items()})
        for name, score in scores_of(rung).items():
            if not low[0] - 1e-6 <= score.mean_return <= high[0] + 1e-6:
                raise ValueError(
                    f"{path}: {name}.mean_return is {score.mean_return} at {rung.sizes}; expected "
                    f"{low[0]} to {high[0]}"
                )
            expected_return = None if keyed else task.answers.mean_return(score.wrong_symbols, symbols)
            if expected_return is not None and not math.isclose(
                score.mean_return, expected_return, abs_tol=1e-6
            ):
                raise ValueError(
                    f"{path}: {name}.mean_return is {score.mean_return} at {rung.sizes}, but "
                    f"{score.wrong_symbols} of {symbols} symbols wrong make {expected_return}"
                )


def scores_of(rung: Rung) -> dict[str, Score]:
    """Return all scores of a rung, the agent's own first, the others in the order of their names."""
    return {"score": rung.score} | dict(sorted(rung.references.items()))


def _symbols(task: Task, result: Result, rung: Rung) -> tuple[int, bool]:
    """Return the scored symbols of a rung, and whether mean returns do not follow from counts of them."""
    if not isinstance(task, SequenceTask):
        assert isinstance(task, InteractiveTask)
        sizes = {name: np.full(rung.sequences, size) for name, size in rung.sizes.items()}
        return int(task.count_symbols(sizes).sum()), True
    if task.keyed_steps:
        keys = evaluation_keys(result.commitment, result.nonce, result.task, rung.sizes, rung.sequences)
        return int(task.episodes(keys, **rung.sizes).mask.sum()) * task.answers.width, True
    one = int(task.episodes(np.zeros(1, np.int64), **rung.sizes).mask.sum()) * task.answers.width
    return one * rung.sequences, False
