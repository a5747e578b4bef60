"""Trains and evaluates agents on tasks with several seeds, a few runs at a time.

Each run is a process of its own on one thread, so that one that fails takes nothing with it. A run's
folder tells what is done: nothing is done twice, and an interrupted bench goes on where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ntm_envs import tasks
from ntm_leaderboard.board.boards import SEEDS
from ntm_leaderboard.harness.entrants import agent_spec, new_run, ready
from ntm_leaderboard.harness.ladder import rungs_of
from ntm_leaderboard.results import Result


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a bench compares.

    Attributes:
        agents: Names of agents, or references.
        tasks: Names of tasks, or references.
        seeds: Number of seeds.
        output: Folder of everything that comes of it.
        sequences: Sequences of a rung, if fewer than the ladder asks for.
        budget: Training sequences of every run whose learner counts sequences, whatever its recipe says.
        first_seed: The first of the seeds, which follow one another.
        up_to: The largest rung that is played, by the name of the task; the whole ladder without it.
    """

    agents: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: int
    output: Path
    sequences: int | None = None
    budget: int | None = None
    first_seed: int = 0
    up_to: Mapping[str, int] = field(default_factory=dict)


QUICK = Plan(
    agents=("ntm", "lstm"),
    tasks=("copy", "associative_recall"),
    seeds=3,
    output=Path("bench/quick"),
    sequences=128,
    budget=48_000,
    up_to={"copy": 120, "associative_recall": 20},
)
"""A first look: two tasks, the lower rungs, and the same number of training sequences for everybody."""


@dataclass(frozen=True)
class Job:
    """One run of a bench: train, then evaluate."""

    agent: str
    task: str
    seed: int
    folder: Path

    def __str__(self) -> str:
        return f"{self.agent} on {self.task}, seed {self.seed}"


@dataclass(frozen=True)
class Outcome:
    """What came of a bench: results in the order of its jobs, and why jobs failed."""

    results: list[Result]
    failures: dict[Job, str]


def plan(
    suite: str | None = None,
    *,
    agents: Sequence[str] = (),
    tasks: Sequence[str] = (),
    seeds: int | None = None,
    first_seed: int = 0,
    sequences: int | None = None,
    output: Path | None = None,
) -> Plan:
    """Return the plan of a suite, or `QUICK` without one, with these settings in place of its own.

    Raises:
        ValueError: If there is no such suite, not even one seed, or a negative one.
    """
    if seeds is not None and seeds < 1:
        raise ValueError(f"seeds is {seeds}; expected at least 1")
    if first_seed < 0:
        raise ValueError(f"first_seed is {first_seed}; expected at least 0")
    chosen = QUICK if suite is None else of_suite(suite)
    return replace(
        chosen,
        agents=tuple(agents) or chosen.agents,
        tasks=tuple(tasks) or chosen.tasks,
        seeds=chosen.seeds if seeds is None else seeds,
        first_seed=first_seed,
        sequences=chosen.sequences if sequences is None else sequences,
        output=output or chosen.output,
    )


def of_suite(suite: str) -> Plan:
    """Return the plan of a whole suite: every task and rung, five seeds, and agents that can learn it."""
    rows = tasks.suite(suite)
    supervised = all("supervised" in row.learners for row in rows)
    return Plan(
        agents=("ntm", "lstm") if supervised else ("ntm-ppo", "ppo"),
        tasks=tuple(row.name for row in rows),
        seeds=SEEDS,
        output=Path("bench") / suite,
    )


def run(
    plan: Plan,
    *,
    jobs: int,
    console: Console,
    first_seed: Callable[[list[Result]], None] = lambda results: None,
) -> Outcome:
    """Do what a plan says, ``jobs`` runs at a time, and show how it goes.

    A run that fails is reported, and the others go on. An interrupt is passed on to the runs, which
    write checkpoints, and raised again.

    Args:
        plan: What to do.
        jobs: Number of runs at a time.
        console: Where progress is shown.
        first_seed: Called with the results of the first seed once it is done, if there are more.

    Raises:
        ValueError: If two agents would share a folder.
    """
    every = jobs_of(plan)
    first = {job for job in every if job.seed == plan.first_seed}
    waiting, running = list(every), dict[Job, _Process]()
    results, failures = dict[Job, Result](), dict[Job, str]()
    printed = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    job = waiting.pop(0)
                    running[job] = _Process(job, plan)
                for job, process in list(running.items()):
                    if process.poll():
                        del running[job]
                        if process.failure:
                            failures[job] = process.failure
                        else:
                            results[job] = Result.read(job.folder / "result.json")
                        done = len(every) - len(waiting) - len(running)
                        console.print(f"{done} of {len(every)}: {process}", markup=False)
                        if job in first and first <= results.keys() | failures.keys() < set(every):
                            first_seed([results[one] for one in every if one in results])
                if console.is_terminal:
                    live.update(_progress(running), refresh=True)
                elif time.monotonic() - printed > 20:
                    printed = time.monotonic()
                    for process in running.values():
                        console.print(f"   {process}", markup=False)
                time.sleep(0.2)
        finally:
            for process in running.values():
                process.stop()
            for process in running.values():
                process.wait()
    return Outcome([results[job] for job in every if job in results], failures)


def jobs_of(plan: Plan) -> list[Job]:
    """Return the runs of a plan, all of them with one seed before the next.

    Raises:
        ValueError: If two agents would share a folder.
    """
    found = dict[Path, Job]()
    for seed in range(plan.first_seed, plan.first_seed + plan.seeds):
        for task in plan.tasks:
            for agent in plan.agents:
                row, name = agent_spec(agent), tasks.spec(task).name
                if row.learns or seed == plan.first_seed:
                    folder = plan.output / name / row.name / f"seed-{seed}"
                    job = Job(agent, task, seed, folder)
                    if found.setdefault(folder, job) != job:
                        raise ValueError(
                            f"{found[folder]} and {job} would share the folder {folder}; give the classes "
                            "different names"
                        )
    return list(found.values())


class _Process:
    """The process that trains, and then the one that evaluates."""

    def __init__(self, job: Job, plan: Plan) -> None:
        self._job, self._plan = job, plan
        self.failure = ""
        self._steps: list[list[str]] = []
        try:
            self._steps = self._commands()
        except (ValueError, TypeError, OSError) as error:
            self.failure = str(error)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        self._log = job.folder / "log.txt"
        job.folder.mkdir(parents=True, exist_ok=True)

    def poll(self) -> bool:
        """Go on to the next command when one is done; return whether all are."""
        if self.failure:
            return True
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return False
            if code:
                lines = self._log.read_text().strip().splitlines() or [f"exit code {code}"]
                self.failure = f"{lines[-1]} (see {self._log})"
                return True
        if not self._steps:
            return True
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ntm_leaderboard", *self._steps.pop(0)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
            )
        return False

    def stop(self) -> None:
        """Ask the process to stop."""
        if self._process is not None:
            self._process.terminate()

    def wait(self) -> None:
        """Wait until the process has written its checkpoint."""
        if self._process is not None:
            self._process.wait()

    def __str__(self) -> str:
        seconds = f"{time.monotonic() - self._started:.0f} s"
        return f"{self._job}: {'failed' if self.failure else self.state()}, {seconds}"

    def state(self) -> str:
        """Say how far the run is, from the files of its folder."""
        if (self._job.folder / "result.json").exists():
            return "done"
        if (self._job.folder / "summary.json").exists():
            return "being evaluated"
        try:
            lines = (self._job.folder / "metrics.jsonl").read_text().splitlines()
            metrics = [json.loads(line) for line in lines[-40:]]
        except (OSError, ValueError):
            return "starting"
        if not metrics:
            return "starting"
        text = f"{metrics[-1]['sequences']:,} sequences"
        for name, shown in (("loss", "loss"), ("return", "return"), ("validation_accuracy", "accuracy")):
            known = [line[name] for line in metrics if line.get(name) is not None]
            text += f", {shown} {known[-1]:.3f}" if known else ""
        return text

    def _commands(self) -> list[list[str]]:
        """Return what is left to do for the job."""
        job, plan, folder = self._job, self._plan, self._job.folder
        row, spec = agent_spec(job.agent), tasks.spec(job.task)
        up_to, path = plan.up_to.get(spec.name), folder / "result.json"
        who = ["--agent", job.agent, "--task", job.task]
        train = ["train", *who, "--seed", str(job.seed), "--output", str(folder)]
        if row.learns:
            run = new_run(job.agent, job.task, job.seed)
            learner = run.learner_row()
            if plan.budget and learner.unit == "sequences":
                run = replace(run, train=learner.with_budget(run.train, plan.budget))
                train += [f"--{learner.budget.replace('_', '-')}", str(plan.budget)]
            run.write(folder)  # refuses a folder that holds another run
        if path.exists():
            result = Result.read(path)
            same = row.learns or result.commitment == ready(job.agent, job.task).commitment
            wanted = rungs_of(spec, up_to=up_to, sequences=plan.sequences)
            if same and all(_has(result, sizes, count) for sizes, count in wanted):
                return []
        judge = [] if up_to is None else ["--up-to", str(up_to)]
        judge += [] if plan.sequences is None else ["--sequences", str(plan.sequences)]
        if not row.learns:
            return [["evaluate", *who, "--output", str(path), *judge]]
        return [train, ["evaluate", str(folder), *judge]]


def _has(result: Result, sizes: dict[str, int], count: int) -> bool:
    """Tell whether a result has so many sequences of a rung; the first ones are always the same."""
    return any(rung.sizes == sizes and rung.sequences >= count for rung in result.rungs)


def _progress(running: Mapping[Job, _Process]) -> Table:
    table = Table(box=None, show_header=False)
    for process in running.values():
        table.add_row(Text(str(process)))
    return table
