"""Numbers of a result that contradict its task, its configuration or each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ntm_agents.training.lessons import check_lesson, lessons_beyond
from ntm_agents.training.run import Run
from ntm_envs.tasks import InteractiveTask, SequenceTask, Task, TaskSpec
from ntm_leaderboard.harness.entrants import references
from ntm_leaderboard.harness.ladder import evaluation_keys, rungs_of
from ntm_leaderboard.results import Result, Rung, Score, Training


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
        if reason := impossible_return(task, [rung]):
            raise ValueError(f"{path}: {reason}")
        for name, score in scores_of(rung).items():
            expected_return = None if keyed else task.answers.mean_return(score.wrong_symbols, symbols)
            if expected_return is not None and not math.isclose(
                score.mean_return, expected_return, abs_tol=1e-6
            ):
                raise ValueError(
                    f"{path}: {name}.mean_return is {score.mean_return} at {rung.sizes}, but "
                    f"{score.wrong_symbols} of {symbols} symbols wrong make {expected_return}"
                )


def impossible_return(task: Task, rungs: Sequence[Rung]) -> str | None:
    """Return which mean return of a task's rungs is outside of the bounds of the task; None if none is."""
    sizes = {name: np.array([rung.sizes[name] for rung in rungs]) for name in rungs[0].sizes}
    for rung, low, high in zip(rungs, *task.return_bounds(sizes), strict=True):
        for name, score in scores_of(rung).items():
            if not low - 1e-6 <= score.mean_return <= high + 1e-6:
                value = f"{name}.mean_return is {score.mean_return} at {rung.sizes}"
                return f"{value}; expected {low} to {high}"
    return None


def check_training(path: Path, run: Run, summary: Mapping[str, Any], training: Training) -> None:
    """Refuse counts of a training that contradict its configuration, such as less than its budget.

    Args:
        path: The `summary.json`, for messages.
        run: The run.
        summary: Content of the file.
        training: The same, as a part of a result.

    Raises:
        ValueError: If there are such; the message begins with the path.
    """
    spec, learner = run.task_spec(), run.learner_row()
    config = run.train.for_task(spec)
    updates, restarts, budget = summary.get("updates"), training.restarts, learner.budget_of(config)
    spent = training.steps if learner.unit == "steps" else training.sequences
    if type(updates) is not int or updates < 1 or not spent or spent % updates:
        raise ValueError(
            f"{path}: {learner.unit} is {spent} and updates is {updates!r}; expected the same number of "
            f"{learner.unit} in each update"
        )
    for name, count, most in (
        ("dropped_updates", training.dropped_updates, updates),
        ("restarts", restarts, getattr(config, "restarts", 0) if _restart_after(run) else 0),
    ):
        if count > most:
            raise ValueError(f"{path}: {name} is {count}; expected at most {most}")
    if beyond := lessons_beyond(config, spec):
        raise ValueError(
            f"{path.parent}: the run has lessons, of which number {beyond[0]} goes above the training range "
            f"of {spec.name}; expected lessons inside it (ntm-envs train --last-lesson)"
        )
    check_lesson(path, summary.get("lesson"), config, spec)
    late = config.minutes is not None and training.seconds >= 60 * config.minutes
    least = 0 if late else budget + restarts * _restart_after(run)
    most = (restarts + 1) * (budget + spent // updates)
    if not least <= spent <= most:
        raise ValueError(
            f"{path}: {learner.unit} is {spent}, but {learner.budget} of config.json is {budget}, with "
            f"{restarts} restarts; expected {least} to {most}"
        )
    if not training.seconds > 0:
        raise ValueError(f"{path}: seconds is {training.seconds}; expected more than 0")
    if learner.unit == "steps":
        longest, envs = spec.make().steps(**spec.largest), getattr(config, "num_envs", 1)
        least, most = envs * (spent // envs // longest), spent
        if not least <= training.sequences <= most:
            raise ValueError(
                f"{path}: sequences is {training.sequences} in {spent} steps, and a sequence takes at most "
                f"{longest} of them; expected {least} to {most}"
            )


def check_counts(path: Path, claimed: Result, found: tuple[int, int]) -> None:
    """Refuse claims of fewer parameters, or values of the state, than the model has.

    Earlier versions kept values in the state that are no longer there, so claims may be of more.

    Raises:
        ValueError: If there are such; the message begins with the path.
    """
    assert claimed.training is not None
    names = ("parameters", "state_values")
    for name, own in zip(names, found, strict=True):
        if (claim := getattr(claimed.training, name)) < own:
            raise ValueError(f"{path}: result.json has {name} {claim}; expected at least {own}")


def _restart_after(run: Run) -> int:
    """Return the sequences before a restart; 0 if a run never restarts."""
    return getattr(run.train, "restart_after", None) or 0


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
