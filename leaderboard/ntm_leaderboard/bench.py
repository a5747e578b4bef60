"""Trains and judges agents on tasks with several seeds, a few runs at a time.

Each run is a process of its own on one thread, so that one that fails takes nothing with it. A run's
folder tells what is done: nothing is done twice, and an interrupted bench goes on where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ntm_envs import tasks
from ntm_leaderboard.contestants import agent_spec
from ntm_leaderboard.results import Result


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a bench compares.

    Attributes:
        agents: Names of agents, or references.
        tasks: Names of tasks, or references.
        seeds: Number of seeds, from 0.
        output: Folder of everything that comes of it.
        sequences: Sequences of a rung, if fewer than the ladder asks for.
        up_to: The largest rung that is played, by the name of the task; the whole ladder without it.
    """

    agents: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: int
    output: Path
    sequences: int | None = None
    up_to: Mapping[str, int] = field(default_factory=dict)


PRESETS = {
    "quick": Plan(
        agents=("ntm", "lstm"),
        tasks=("copy", "associative_recall"),
        seeds=3,
        output=Path("bench/quick"),
        sequences=128,
        up_to={"copy": 120, "associative_recall": 20},
    ),
    "classic": Plan(
        agents=("ntm", "lstm"),
        tasks=tuple(row.name for row in tasks.TABLE),
        seeds=5,
        output=Path("bench/classic"),
    ),
}


@dataclass(frozen=True)
class Job:
    """One run of a bench: train, then judge."""

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
    preset: str,
    *,
    agents: Sequence[str] = (),
    tasks: Sequence[str] = (),
    seeds: int | None = None,
    sequences: int | None = None,
    output: Path | None = None,
) -> Plan:
    """Return a preset, with the settings that are given in place of its own.

    Raises:
        ValueError: If there is no such preset, agent or task.
    """
    chosen = PRESETS[preset]
    return replace(
        chosen,
        agents=tuple(agents) or chosen.agents,
        tasks=tuple(tasks) or chosen.tasks,
        seeds=chosen.seeds if seeds is None else seeds,
        sequences=sequences or chosen.sequences,
        output=output or chosen.output,
    )


def run(plan: Plan, *, jobs: int, console: Console) -> Outcome:
    """Do what a plan says, ``jobs`` runs at a time, and show how it goes.

    A run that fails is reported, and the others go on. An interrupt is passed on to the runs, which
    write checkpoints, and raised again.
    """
    every = _jobs(plan)
    waiting, running = list(every), dict[Job, _Process]()
    results, failures = dict[Job, Result](), dict[Job, str]()
    printed = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        try:
            while waiting or running:
                while waiting and len(running) < max(1, jobs):
                    job = waiting.pop(0)
                    running[job] = _Process(job, plan)
                for job, process in list(running.items()):
                    if process.poll():
                        del running[job]
                        if process.failure:
                            failures[job] = process.failure
                        else:
                            results[job] = Result.read(job.folder / "result.json")
                        console.print(
                            f"{len(every) - len(waiting) - len(running)} of {len(every)}: {process}"
                        )
                if console.is_terminal:
                    live.update(_progress(running), refresh=True)
                elif time.monotonic() - printed > 20:
                    printed = time.monotonic()
                    for process in running.values():
                        console.print(f"   {process}")
                time.sleep(0.2)
        except KeyboardInterrupt:
            for process in running.values():
                process.stop()
            console.print("Stopped. The same command goes on from there.")
            raise
    return Outcome([results[job] for job in every if job in results], failures)


def _jobs(plan: Plan) -> list[Job]:
    found = []
    for seed in range(plan.seeds):  # all of them with one seed before the next: a table early
        for task in plan.tasks:
            for agent in plan.agents:
                row, name = agent_spec(agent), tasks.spec(task).name
                if row.learns or seed == 0:
                    found.append(Job(agent, task, seed, _folder(plan, row.name, name, seed)))
    return found


def _folder(plan: Plan, agent: str, task: str, seed: int) -> Path:
    return plan.output / task / agent / f"seed-{seed}"


class _Process:
    """The process that trains, and then the one that judges."""

    def __init__(self, job: Job, plan: Plan) -> None:
        self._job, self._plan = job, plan
        self.failure = ""
        self._steps = self._commands()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        self._log = job.folder / "log.txt"
        job.folder.mkdir(parents=True, exist_ok=True)

    def poll(self) -> bool:
        """Go on to the next command when one is done; return whether all are."""
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
        """Ask the process to stop, and wait until it has written its checkpoint."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def __str__(self) -> str:
        seconds = f"{time.monotonic() - self._started:.0f} s"
        return f"{self._job}: {'failed' if self.failure else self.state()}, {seconds}"

    def state(self) -> str:
        """Say how far the run is, from the files of its folder."""
        if (self._job.folder / "result.json").exists():
            return "done"
        if (self._job.folder / "summary.json").exists():
            return "judged now"
        try:
            lines = (self._job.folder / "metrics.jsonl").read_text().splitlines()
            metrics = [json.loads(line) for line in lines[-40:]]
        except (OSError, ValueError):
            return "starting"
        if not metrics:
            return "starting"
        text = f"{metrics[-1]['sequences']:,} sequences"
        for name, shown in (("loss", "loss"), ("validation_accuracy", "accuracy")):
            known = [line[name] for line in metrics if line.get(name) is not None]
            text += f", {shown} {known[-1]:.3f}" if known else ""
        return text

    def _commands(self) -> list[list[str]]:
        """Return what is left to do for the job."""
        job, plan, folder = self._job, self._plan, self._job.folder
        row, spec = agent_spec(job.agent), tasks.spec(job.task)
        judge = ["--up-to", str(plan.up_to[spec.name])] if spec.name in plan.up_to else []
        judge += ["--sequences", str(plan.sequences)] if plan.sequences else []
        if (folder / "result.json").exists():
            return []
        if not row.learns:
            who = ["--agent", job.agent, "--task", job.task, "--output", str(folder / "result.json")]
            return [["evaluate", *who, *judge]]
        who = ["--agent", job.agent, "--task", job.task, "--seed", str(job.seed)]
        return [["train", *who, "--output", str(folder)], ["evaluate", str(folder), *judge]]


def _progress(running: Mapping[Job, _Process]) -> Table:
    table = Table(box=None, show_header=False)
    for process in running.values():
        table.add_row(str(process))
    return table
