"""`ntm-envs tune`: search the options of an agent and of its training on a task."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from ntm_agents import config_class
from ntm_agents.testing import check_model
from ntm_agents.training.checks import torch_device
from ntm_agents.training.sources import source_digest
from ntm_envs.lookup import absolute, is_reference, load
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, say
from ntm_leaderboard.harness.entrants import agent_spec, new_run
from ntm_leaderboard.harness.launching import LaunchOptions
from ntm_leaderboard.harness.recipes import read_recipe
from ntm_leaderboard.wording import command

SEED = 100
"""Seed of all trials; no table has it."""


@dataclass(frozen=True, kw_only=True)
class TrialLaunchOptions(LaunchOptions):
    """Where trials run, and how many at a time."""

    jobs: int = 1
    """Number of trials at a time, each on one core. Trials that run together do not learn from each other:
    with as many as --trials, the search is random."""


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """Search the options that an agent and its learner declare, by validation inside the training range.

    Every trial trains for the same time on one core. With several tasks the search is for one configuration
    that suits all of them: a trial trains on each. The same command resumes an interrupted search, and more
    --trials continue it. It needs the extra tune.

    Example:
        ntm-envs tune --agent lstm --task parity --trials 20 --minutes 1
    """

    agent: str = "ntm"
    """Name from `ntm-envs agents`, or a model of your own, such as ./my_model.py:MyModel."""
    task: tuple[str, ...] = ("copy",)
    """Names from `ntm-envs tasks`, or tasks of your own, such as ./my_task.py:MY_TASK."""
    trials: int = 20
    """Number of trials, those that are done included. The first is the agent's recipe itself: for several
    tasks its default."""
    minutes: float = 1.0
    """Minutes of a trial on each task."""
    learner: str | None = None
    """Learner, if not that of the recipe; see `ntm-envs train --help`."""
    recipe: Path | None = None
    """JSON file in place of the agent's recipe; see `ntm-envs train --help`."""
    output: Path | None = None
    """Folder of the search, with its log and the best recipe. Without it: runs/tune-TASK-...-AGENT."""
    device: str = "cpu"
    """Device to compute on, such as cpu or cuda."""
    launch: Annotated[TrialLaunchOptions, tyro.conf.arg(name="")] = field(default_factory=TrialLaunchOptions)


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(TuneOptions, argv, "tune")
    from ntm_leaderboard.harness.trials import attempt  # needs Optuna, which no other command does
    from ntm_leaderboard.harness.tuning import RECIPE, Search

    torch_device(options.device)
    row, recipe = agent_spec(options.agent), None
    if options.recipe:
        recipe = read_recipe(options.recipe, config_class(load(row.entry)))
    elif len(options.task) > 1:
        recipe = row.default
    new = partial(new_run, options.agent, seed=SEED, learner=options.learner, recipe=recipe)
    runs = [new(task) for task in options.task]
    names = [run.task_spec().name for run in runs]
    if is_reference(options.agent) and source_digest(row.entry):
        for run in runs:
            config = dataclasses.asdict(config_class(load(run.entry))(**run.model))
            check_model(load(run.entry), task=run.task_spec().make(), config=config)
    folder = options.output or Path("runs") / "-".join(["tune", *names, row.name])
    search = Search(runs, folder, minutes=options.minutes, device=options.device)
    say(f"searched: {', '.join(f'{each.part}.{each.name}' for each in search.space)}")
    launcher = options.launch.make(console)
    together = None
    if options.launch != TrialLaunchOptions():
        shared = ["--agent", absolute(options.agent), "--task", *map(absolute, options.task)]
        shared += ["--minutes", str(options.minutes), "--device", options.device]
        together = partial(attempt, search, shared, launcher)
    search.tune(
        options.trials, lambda line: say(_text(line)), at_a_time=options.launch.jobs, attempt=together
    )
    if not (best := search.best()):
        say("No trial had a finite validation.")
        return 1
    say(f"Best: {_text(best)}")
    say("Train with its recipe:")
    for task, name in zip(options.task, names, strict=True):
        output = Path("runs") / f"{name}-{row.name}-0"
        arguments = ("--agent", options.agent, "--task", task, "--recipe", folder / RECIPE)
        say(f"  {command('train', *arguments, '--output', output)}")
    return 0


def _text(line: dict[str, Any]) -> str:
    """Return a trial in one line."""
    chosen = [
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in line["options"].items()
    ]
    accuracies = ", ".join(f"{name} {task['accuracy']:.3f}" for name, task in line["tasks"].items())
    outcome = line["error"] or (
        "not finite" if line["value"] is None else f"value {line['value']:.5f}, sequences right: {accuracies}"
    )
    return f"trial {line['number']}: {outcome} ({', '.join(chosen) or 'the recipe'})"
