"""The search of the options of a model and of its training, the same for every model.

Each trial trains for the same time on one core, within the training range of the task, and its value is that
of validation there: nothing beyond the range is seen. On several tasks, a trial trains for this time on each
of them with the same options, and its value is the mean: the search is for one configuration.

What is searched is declared beside each option (:class:`ntm_agents.options.Choices`,
:class:`ntm_agents.options.Between`); all others are as in the recipe. The first trial is the recipe itself.
Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) chooses the others. Trials that run at the
same time are chosen by those before them, and apart from each other: it takes those that run for bad ones.

The folder of a search has::

    search.json    what is searched
    trials.jsonl   a line for each trial
    recipe.json    the best trial so far, for ntm-envs train --recipe
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple, TypeAlias

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import create_trial

from ntm_agents import config_class
from ntm_agents.options import Choices, searchable
from ntm_agents.training import NonFiniteError, Run
from ntm_agents.training.run import record_difference
from ntm_agents.training.writer import finite
from ntm_envs.files import write_atomically
from ntm_envs.lookup import load

SEARCH, TRIALS, RECIPE = "search.json", "trials.jsonl", "recipe.json"
SPEED_SECONDS = 2.0
"""Seconds for which the speed of a trial is measured; less in trials of less than 20 seconds."""
SHORTEST = 64
"""Units of the budget of the shortest run that is made to compile and to measure."""
MARGIN = 0.9
"""Share of the time that a trial's budget fills at the speed that was measured."""

Line: TypeAlias = dict[str, Any]
"""A line of the log: number of the trial, `options` that were searched, and what came of it on each task."""


class Searched(NamedTuple):
    """A searched option."""

    part: str  # `model` or `train`
    name: str
    distribution: BaseDistribution


def space_of(run: Run) -> list[Searched]:
    """Return the searched options of a run's model and learner.

    Raises:
        ValueError: If neither declares any.
    """
    kinds = {"model": config_class(load(run.entry)), "train": run.learner_row().config}
    found = [
        Searched(part, name, _distribution(values))
        for part, kind in kinds.items()
        for name, values in searchable(kind).items()
    ]
    if not found:
        raise ValueError(
            f"{run.entry} and the learner {run.learner!r} declare nothing to search; annotate an option: "
            "Annotated[int, Choices((64, 128))]"
        )
    return found


def _distribution(values: Any) -> BaseDistribution:
    if isinstance(values, Choices):
        return CategoricalDistribution(values.values)
    return FloatDistribution(values.low, values.high, log=values.log)


class Search:
    """A search in a folder; what is there is continued.

    Args:
        runs: A run on each task, all by the recipe that the search begins with; their seed is that of all
            trials.
        folder: Folder of the search.
        minutes: Time of a trial.
        device: Device to compute on.

    Raises:
        ValueError: If nothing can be searched, there is no run, two have the same task, the time is not
            positive, or the folder holds another search.
    """

    def __init__(self, runs: Sequence[Run], folder: Path, *, minutes: float, device: str = "cpu") -> None:
        if not 0 < minutes < math.inf:
            raise ValueError(f"minutes is {minutes}; expected a positive number")
        names = [run.task_spec().name for run in runs]
        if not 0 < len(set(names)) == len(names):
            raise ValueError(
                f"the tasks are {', '.join(names) or 'none'}; expected one or more, all different"
            )
        self.runs, self.folder, self.minutes, self.space = runs, folder, minutes, space_of(runs[0])
        self._device = device
        space = {f"{each.part}.{each.name}": repr(each.distribution) for each in self.space}
        sources = dict(zip(names, (run.sources for run in runs), strict=True))
        record = {"run": runs[0].resolved(), "tasks": sources, "minutes": minutes, "space": space}
        record = json.loads(json.dumps(record))
        if (folder / SEARCH).exists():
            there = json.loads((folder / SEARCH).read_bytes())
            if there != record:
                what = record_difference(there, record)
                raise ValueError(
                    f"{folder} holds another search ({what}); choose another folder, or delete it"
                )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / SEARCH, json.dumps(record, indent=2).encode())

    @property
    def trials(self) -> list[Line]:
        """The trials that are done."""
        path = self.folder / TRIALS
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def best(self) -> Line | None:
        """Return the trial of the best validation; None if none had a finite one."""
        done = [line for line in self.trials if line["value"] is not None]
        return min(done, key=lambda line: float(line["value"]), default=None)

    def tune(
        self,
        trials: int,
        report: Callable[[Line], None] = lambda line: None,
        *,
        at_a_time: int = 1,
        attempt: Callable[[list[Line]], list[Line]] | None = None,
    ) -> None:
        """Run the trials that are left of so many, and write the recipe of the best one.

        Args:
            trials: Number of trials, those that are done included.
            report: Called with every trial that is done.
            at_a_time: Number of trials that run before the next ones are chosen.
            attempt: Runs so many trials and returns their lines. Without it, they run in this process, one
                after the other.

        Raises:
            ValueError: If there is no trial, or another process searches in the folder.
        """
        if trials < 1:
            raise ValueError(f"trials is {trials}; expected at least 1")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                done = self.trials
                while len(done) < trials:
                    chosen = self._choose(done, min(at_a_time, trials - len(done)))
                    lines = (attempt or self._attempt)(chosen)
                    done += lines
                    text = "".join(json.dumps(line) + "\n" for line in done)
                    write_atomically(self.folder / TRIALS, text.encode())
                    if best := self.best():
                        self._write_recipe(best)
                    for line in lines:
                        report(line)
        except Timeout:
            raise ValueError(f"another process searches in {self.folder}") from None

    def recipe(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the recipe that a trial with these options trains by, as a recipe file has it."""
        run = self._with(options)[0]
        return _recipe(run, run.train)

    def _choose(self, done: list[Line], count: int) -> list[Line]:
        """Return the next trials with their options, by those that are done; the first has none."""
        space = {f"{each.part}.{each.name}": each.distribution for each in self.space}
        chosen = list[Line]()
        for number in range(len(done), len(done) + count):
            options: dict[str, Any] = {}
            if number:
                sampler = optuna.samplers.TPESampler(seed=number, constant_liar=True)
                study = optuna.create_study(sampler=sampler)
                for line in [*done, *chosen][1:]:
                    study.add_trial(_optuna_trial(line, space))
                options = study.ask(space).params
            chosen.append({"number": number, "options": options, "tasks": {}, "value": None, "error": None})
        return chosen

    def _attempt(self, chosen: list[Line]) -> list[Line]:
        """Run trials in this process; see `tune`."""
        return [self._trial(line) for line in chosen]

    def _trial(self, line: Line) -> Line:
        """Train with the options of a trial on each task, and return its line."""
        line = line | {"tasks": {}}
        try:
            for run in self._with(line["options"]):
                line["tasks"][run.task_spec().name] = self._train(run)
            values = [task["value"] for task in line["tasks"].values()]
            line["value"] = None if None in values else fmean(values)
        except (NonFiniteError, ValueError) as error:  # options that do not go together, or too large steps
            if line["number"] == 0:  # the recipe itself
                raise
            line["error"] = str(error)
        return line

    def _train(self, run: Run) -> dict[str, Any]:
        """Train for the time of a trial, and return what the log has about it."""
        self._short(run, SHORTEST)  # compiles kernels, which takes none of the time of the trial
        started = time.perf_counter()
        speed = self._speed(run)
        left = max(0.0, 60 * self.minutes - (time.perf_counter() - started))
        budget = max(1, int(MARGIN * speed * left))
        trainer = self._trainer(run, budget, minutes=self.minutes)
        model = trainer.train()
        counters: Any = trainer.counters
        # Learners from targets have a loss; of others the return counts.
        value = getattr(counters, "best_loss", None)
        return {
            "value": finite(float(-counters.best_return if value is None else value)),
            "accuracy": counters.best_accuracy,
            "budget": budget,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "seconds": round(time.perf_counter() - started, 1),
        }

    def _with(self, options: Mapping[str, Any]) -> list[Run]:
        """Return the runs with other options."""
        parts: dict[str, dict[str, Any]] = {"model": {}, "train": {}}
        for name, value in options.items():
            part, _, option = name.partition(".")
            parts[part][option] = value
        model = {**self.runs[0].model, **parts["model"]}
        train = dataclasses.replace(self.runs[0].train, **parts["train"])
        return [dataclasses.replace(run, model=model, train=train) for run in self.runs]

    def _trainer(self, run: Run, budget: int, **options: Any) -> Any:
        """Return a trainer of a run with another budget and other options of training."""
        learner = run.learner_row()
        train = run.train.for_task(run.task_spec())
        train = learner.with_budget(dataclasses.replace(train, **options), budget)
        return learner.start(dataclasses.replace(run, train=train), device=self._device)

    def _short(self, run: Run, budget: int) -> Any:
        """Return the counters of a short run, which goes through the whole of its curriculum."""
        trainer = self._trainer(run, budget, validation_sequences=1)
        trainer.train()
        return trainer.counters

    def _speed(self, run: Run) -> float:
        """Return the units of the budget per second of a short run."""
        learner, seconds, budget = run.learner_row(), min(SPEED_SECONDS, 6 * self.minutes), SHORTEST
        while (counters := self._short(run, budget)).seconds <= seconds:
            budget *= 2
        done = counters.steps if learner.unit == "steps" else counters.sequences
        return float((done or budget) / counters.seconds)

    def _write_recipe(self, line: Line) -> None:
        """Write a recipe file of a trial, with all options that are not at their defaults.

        Its budget is that of the trial; on several tasks, that of the recipe that the search began with.
        """
        run = self._with(line["options"])[0]
        train: Any = run.train
        if len(self.runs) == 1:
            (task,) = line["tasks"].values()
            train = run.learner_row().with_budget(train.for_task(run.task_spec()), task["budget"])
        write_atomically(self.folder / RECIPE, f"{json.dumps(_recipe(run, train), indent=2)}\n".encode())


def _recipe(run: Run, train: Any) -> dict[str, Any]:
    """Return the contents of a recipe file, with all options of training that are not at their defaults."""
    default = dataclasses.asdict(type(train)())
    changed = {name: value for name, value in dataclasses.asdict(train).items() if value != default[name]}
    return {"learner": run.learner, "model": run.model, "train": changed}


def _optuna_trial(line: Line, space: dict[str, BaseDistribution]) -> optuna.trial.FrozenTrial:
    """Return a trial of the log, or one that has been chosen and has no outcome yet, as Optuna has it."""
    state = optuna.trial.TrialState.COMPLETE
    if line["value"] is None:
        lost = line["tasks"] or line["error"]
        state = optuna.trial.TrialState.FAIL if lost else optuna.trial.TrialState.RUNNING
    return create_trial(params=line["options"], distributions=space, value=line["value"], state=state)
