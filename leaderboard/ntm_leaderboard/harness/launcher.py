"""The launcher of this machine: jobs are processes, which end with the launcher, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from filelock import FileLock, Timeout
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ntm_leaderboard.harness.jobs import ERROR_PREFIX, LOG, Failure, J, Job, ignore

PLAIN_SECONDS = 20.0
"""Seconds between reports of progress where there is no terminal."""
POLL_SECONDS = 0.2
LAUNCHED = "NTM_ENVS_LAUNCHED"
"""Variable of the environment that marks the processes that a launcher has started."""
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
    LAUNCHED: "1",
}
"""Environment of these processes, beside that of the launcher."""
STOPPED = 130
"""Exit code of a command that was stopped."""


def cores() -> int:
    """Return the number of processor cores that this process may use, which schedulers limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # of systems that limit none


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
        """Run jobs and return those that failed; see `jobs.Launcher`."""
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
        self._process: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        self._log = job.folder / LOG
        self._logged = 0  # bytes of the log before the present command
        self._lock = FileLock(job.folder / ".job.lock")  # it ends with this process, however that ends
        try:
            job.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self._commands = [] if job.complete() else job.commands()
        except Timeout:
            self.failure = Failure(
                f"another process works in {job.folder}; wait for it, or choose another --output"
            )
        except (ValueError, TypeError, OSError) as error:
            self.failure = Failure(str(error))

    def poll(self) -> bool:
        """Start the next command when one has ended; return whether the job has."""
        if self._process is not None and not self.failure:
            code = self._process.poll()
            if code is None:
                return False
            self.wait()
            if code < 0 or code == STOPPED:
                reason = "stopped" if code == STOPPED else f"ended by signal {-code}"
                self.failure = Failure(reason, self._log, killed=True)
            elif code:
                self.failure = Failure(self._last_error() or f"exit code {code}", self._log)
        if self.failure or not self._commands:
            self._lock.release()
            return True
        try:
            self._start(self._commands.pop(0))
        except OSError as error:
            self.failure = Failure(str(error))
        return False

    def stop(self) -> None:
        """Ask the process to stop."""
        if self._process is not None:
            self._process.terminate()

    def wait(self) -> None:
        """Wait until the process has written its checkpoint."""
        if self._process is not None:
            self._process.communicate()

    def _start(self, command: list[str]) -> None:
        with self._log.open("ab") as log:
            self._logged = log.tell()
            self._process = subprocess.Popen(
                # -P, as files of the present folder must not shadow modules: copy.py may be a model
                [sys.executable, "-P", "-m", "ntm_leaderboard", *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE,  # it closes when this process ends, see `end_with_launcher`
                env=os.environ | ENVIRONMENT,
            )

    def _last_error(self) -> str | None:
        """Return the last error that the present command has logged; None if it has logged none."""
        with self._log.open("rb") as log:
            log.seek(self._logged)
            lines = log.read().decode(errors="replace").splitlines()
        errors = [line.removeprefix(ERROR_PREFIX) for line in lines if line.startswith(ERROR_PREFIX)]
        return errors[-1] if errors else None

    def __str__(self) -> str:
        seconds = f"{time.monotonic() - self._started:.0f} s"
        return f"{self._job}: {'failed' if self.failure else self._job.progress()}, {seconds}"


def end_with_launcher() -> None:
    """Make this process end when the launcher that has started it ends, even if that was killed.

    A process that no launcher has started goes on as it is.
    """
    if os.environ.pop(LAUNCHED, None):
        launcher, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        threading.Thread(target=_end_with, args=[launcher], daemon=True).start()


def _end_with(pipe: int) -> None:
    """Ask this process to stop, once the other end of a pipe has been closed."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)  # it writes its checkpoint


def _table(processes: Iterable[_Process]) -> Table:
    table = Table(box=None, show_header=False)
    for process in processes:
        table.add_row(Text(str(process)))
    return table
