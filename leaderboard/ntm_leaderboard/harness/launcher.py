"""The launch of independent jobs, with reports of failures.

A job is a list of `ntm-envs` commands that work in a folder of their own. It is idempotent: the folder shows
what is complete, nothing complete is repeated, and an interrupted job resumes. Jobs are numbered, so that
other launchers can divide them among machines; all launchers are called alike (`Launcher`).

Example:
    >>> from ntm_leaderboard.harness import bench
    >>> [str(job) for job in bench.jobs_of(bench.QUICK)][:2]
    ['ntm on copy, seed 0', 'lstm on copy, seed 0']
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

PLAIN_SECONDS = 20.0
"""Seconds between reports of progress where there is no terminal."""
POLL_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """Commands that work in a folder of their own, and depend on no other job.

    Attributes:
        number: Position in the list of jobs, from 0.
        folder: Folder of everything that the job writes.
    """

    number: int
    folder: Path

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def commands(self) -> list[list[str]]:
        """Return the arguments of the `ntm-envs` commands that are left to run, one after the other.

        Raises:
            ValueError, TypeError, OSError: If the job cannot be run. It then fails with this reason.
        """

    def progress(self) -> str:
        """Return the progress of a run that is trained and then evaluated, from the files of its folder."""
        if (self.folder / "result.json").exists():
            return "done"
        if (self.folder / "summary.json").exists():
            return "being evaluated"
        try:
            lines = (self.folder / "metrics.jsonl").read_text().splitlines()
            metrics = [json.loads(line) for line in lines[-40:]]
            text = f"{metrics[-1]['sequences']:,} sequences"
            for name, shown in (("loss", "loss"), ("return", "return"), ("validation_accuracy", "accuracy")):
                known = [line[name] for line in metrics if line.get(name) is not None]
                text += f", {shown} {known[-1]:.3f}" if known else ""
        except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none yet, or half a line
            return "starting"
        return text


J = TypeVar("J", bound=Job)


@dataclass(frozen=True)
class Failure:
    """The reason for which a job failed.

    Attributes:
        reason: The message of the command that failed.
        log: The file with all that the job printed, if it was started.
        killed: Whether a signal ended the command. Such a job did not fail by itself; launch it again.
    """

    reason: str
    log: Path | None = None
    killed: bool = False

    def __str__(self) -> str:
        return f"{self.reason} (see {self.log})" if self.log else self.reason


class Launcher(Protocol):
    """The interface of launchers, which run jobs."""

    def __call__(
        self, jobs: Sequence[J], finished: Callable[[J, Failure | None], None] = ...
    ) -> dict[J, Failure]:
        """Run jobs and return those that failed; a job that fails does not stop the others.

        Args:
            jobs: The jobs.
            finished: Called as each job ends, with the reason if it failed.
        """


def ignore(job: Job, failure: Failure | None) -> None:
    """Do nothing when a job ends."""


@dataclass(frozen=True, kw_only=True)
class LocalLauncher:
    """A launcher that runs jobs as processes of this machine, each on one thread.

    An interrupt is passed on to the processes, which write their checkpoints, and then raised again.

    Attributes:
        processes: Number of jobs at a time, at least 1.
        console: Console that shows progress.
    """

    processes: int
    console: Console

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise ValueError(f"jobs is {self.processes}; expected at least 1")

    def __call__(
        self, jobs: Sequence[J], finished: Callable[[J, Failure | None], None] = ignore
    ) -> dict[J, Failure]:
        """Run jobs and return those that failed; see `Launcher`."""
        waiting, running = list(jobs), dict[J, _Process]()
        failures = dict[J, Failure]()
        printed = time.monotonic()
        with Live(console=self.console, auto_refresh=False, transient=True) as live:
            try:
                while waiting or running:
                    while waiting and len(running) < self.processes:
                        job = waiting.pop(0)
                        running[job] = _Process(job)
                    for job, process in list(running.items()):
                        if process.poll():
                            del running[job]
                            if process.failure:
                                failures[job] = process.failure
                            done = len(jobs) - len(waiting) - len(running)
                            self.console.print(f"{done} of {len(jobs)}: {process}", markup=False)
                            finished(job, process.failure)
                    if self.console.is_terminal:
                        live.update(_table(running.values()), refresh=True)
                    elif time.monotonic() - printed > PLAIN_SECONDS:
                        printed = time.monotonic()
                        for process in running.values():
                            self.console.print(f"   {process}", markup=False)
                    time.sleep(POLL_SECONDS)
            finally:
                for process in running.values():
                    process.stop()
                for process in running.values():
                    process.wait()
        return failures


class _Process:
    """The commands of a job, each in a process of its own."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.failure: Failure | None = None
        self._commands: list[list[str]] = []
        try:
            self._commands = job.commands()
        except (ValueError, TypeError, OSError) as error:
            self.failure = Failure(str(error))
        self._process: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        self._log = job.folder / "log.txt"
        job.folder.mkdir(parents=True, exist_ok=True)

    def poll(self) -> bool:
        """Start the next command when one has ended; return whether the job has."""
        if self.failure:
            return True
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return False
            if code < 0:
                self.failure = Failure(f"ended by signal {-code}", self._log, killed=True)
                return True
            if code:
                lines = self._log.read_text().strip().splitlines() or [f"exit code {code}"]
                self.failure = Failure(lines[-1], self._log)
                return True
        if not self._commands:
            return True
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                # -P, as files of the present folder must not shadow modules: copy.py may be a model
                [sys.executable, "-P", "-m", "ntm_leaderboard", *self._commands.pop(0)],
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
        return f"{self._job}: {'failed' if self.failure else self._job.progress()}, {seconds}"


def _table(processes: Iterable[_Process]) -> Table:
    table = Table(box=None, show_header=False)
    for process in processes:
        table.add_row(Text(str(process)))
    return table
