"""The launcher of this machine: jobs are processes, which end with the launcher, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ntm_leaderboard.harness.jobs import (
    ERROR_PREFIX,
    LOG,
    UNFIT,
    Arguments,
    Failure,
    J,
    Job,
    begin,
    ignore,
)

PLAIN_SECONDS = 20.0
"""Seconds between reports of progress where there is no terminal."""
LIVE_SECONDS = 0.2
"""Seconds between them in a terminal."""
POLL_SECONDS = 0.02
"""Seconds between looks at the processes, for which a core may wait for its next job."""
GRACE_SECONDS = 60.0
"""Seconds that a process has for its checkpoint once it is asked to stop; then it is killed."""
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


def usable_threads() -> int:
    """Return the number of threads that a process may use: `OMP_NUM_THREADS`, or else that of its cores.

    The processes of a launcher have one each.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return (int(wanted) if wanted.isdecimal() else 0) or cores()


def check_processes(count: int) -> None:
    """Check the number of jobs at a time.

    Raises:
        ValueError: If there are none.
    """
    if count < 1:
        raise ValueError(f"jobs is {count}; expected at least 1")


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
        check_processes(self.processes)

    def __call__(
        self, jobs: Sequence[J], finished: Callable[[J, Failure | None], None] = ignore
    ) -> dict[J, Failure]:
        """Run jobs and return those that failed; see `jobs.Launcher`."""
        waiting, running = deque(jobs), dict[J, Process]()
        failures = dict[J, Failure]()
        with Progress(self.console, len(jobs)) as progress:
            try:
                while waiting or running:
                    while waiting and len(running) < self.processes:
                        job = waiting.popleft()
                        running[job] = Process(job)
                    ended = [job for job, process in running.items() if process.poll()]
                    for job in ended:
                        process = running.pop(job)
                        if process.failure:
                            failures[job] = process.failure
                        progress.ended(process)
                        finished(job, process.failure)
                    progress.show(running.values())
                    if not ended:
                        time.sleep(POLL_SECONDS)
            finally:
                stop(running.values())
        return failures


class Progress:
    """The display of jobs that run: a table in a terminal, and lines elsewhere.

    Args:
        console: Console that shows it.
        count: Number of jobs.
    """

    def __init__(self, console: Console, count: int) -> None:
        self._console, self._count, self._ended = console, count, 0
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._seconds = LIVE_SECONDS if console.is_terminal else PLAIN_SECONDS
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def ended(self, job: object) -> None:
        """Print a job that has ended."""
        self._ended += 1
        self._console.print(f"{self._ended} of {self._count}: {job}", markup=False)

    def show(self, running: Iterable[object]) -> None:
        """Show the jobs that run, if it is time."""
        if time.monotonic() - self._shown < self._seconds:
            return
        self._shown = time.monotonic()
        if self._console.is_terminal:
            table = Table(box=None, show_header=False)
            for job in running:
                table.add_row(Text(str(job)))
            self._live.update(table, refresh=True)
        else:
            for job in running:
                self._console.print(f"   {job}", markup=False)


class Process:
    """The commands of a job, each in a process of its own.

    Args:
        job: The job.
        cwd: Working directory of the processes, if not that of this one.
        environ: Environment of the processes, beside that of this one.

    Attributes:
        failure: The reason if the job has failed.
    """

    def __init__(
        self, job: Job, *, cwd: Path | None = None, environ: Mapping[str, str] = ENVIRONMENT
    ) -> None:
        self._job, self._cwd, self._environ = job, cwd, environ
        self.failure: Failure | None = None
        self._lock: FileLock | None = None
        self._commands: list[Arguments] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._started = time.monotonic()
        self._log = job.folder / LOG
        self._logged = 0  # bytes of the log before the present command
        try:
            self._lock, self._commands = begin(job)
        except UNFIT as error:
            self.failure = Failure(str(error))

    def poll(self) -> bool:
        """Start the next command when one has ended; return whether the job has."""
        if self._process is not None and not self.failure:
            code = self._process.poll()
            if code is None:
                return False
            self._process.communicate()  # which closes its pipe
            if code < 0 or code == STOPPED:
                reason = "stopped" if code == STOPPED else f"ended by signal {-code}"
                self.failure = Failure(reason, self._log, killed=True)
            elif code:
                self.failure = Failure(self._last_error() or f"exit code {code}", self._log)
        if self.failure or not self._commands:
            if self._lock:
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

    def wait(self, seconds: float) -> None:
        """Wait until the process has written its checkpoint, but kill it after some seconds."""
        if self._process is not None:
            try:
                self._process.communicate(timeout=max(0.0, seconds))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()

    def _start(self, command: Arguments) -> None:
        with self._log.open("ab") as log:
            self._logged = log.tell()
            self._process = subprocess.Popen(
                # -P, as files of the present folder must not shadow modules: copy.py may be a model
                [sys.executable, "-P", "-m", "ntm_leaderboard", *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.PIPE,  # it closes when this process ends, see `end_with_launcher`
                cwd=self._cwd,
                env=os.environ | self._environ,
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
    """Stop this process once the other end of a pipe has been closed."""
    os.read(pipe, 1)
    os.kill(os.getpid(), signal.SIGTERM)  # it writes its checkpoint
    time.sleep(GRACE_SECONDS)
    os._exit(STOPPED)


def stop(processes: Iterable[Process]) -> None:
    """Ask processes to stop, and wait until they have; none lives longer than `GRACE_SECONDS`."""
    for process in processes:
        process.stop()
    end = time.monotonic() + GRACE_SECONDS
    for process in processes:
        process.wait(end - time.monotonic())
