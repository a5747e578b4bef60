"""The launcher of a Ray cluster: a job is a task of one core, on any node, and no disk is shared.

Files travel as bytes. A job takes with it what is in its folder, and the Python files of the user that were
imported for it (`shipping.py`). As it runs, the files that have changed come back: what they show is the
progress, and a job whose node dies resumes elsewhere from the last checkpoint that has come.

    this process                          a node
    begin(job): lock, commands
    files, sources           -------->    a temporary folder, and in it a `launcher.Process`
    write_atomically         <--------    files that are new, changed or gone
    finished(job, failure)   <--------    the last files, and the failure

It needs the extra `ray`. Every node needs ntm-envs, in the same version.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic

from filelock import FileLock
from rich.console import Console

from ntm_leaderboard.harness import shipping
from ntm_leaderboard.harness.jobs import UNFIT, Arguments, Failure, J, begin, ignore
from ntm_leaderboard.harness.launcher import GRACE_SECONDS, Progress, check_processes, cores

NEWS_SECONDS = 10.0
"""Seconds after which a job that runs sends the files that have changed."""
WAIT_SECONDS = 0.2
"""Seconds that the launcher waits for news, before it looks at its display again."""
RETRIES = 3
"""How often a job is run again whose node, or process on that node, has died."""
STORE_BYTES = 256 * 2**20
"""Memory for objects of a cluster that the launcher starts: files on their way; more of them go to disk."""
OWN = {"memory_monitor_refresh_ms": 0, "worker_niceness": 0}
"""Ray's settings of such a cluster: it kills no jobs to save memory, and runs them at the usual priority."""
ADDRESS = "RAY_ADDRESS"
"""Variable of the environment with the address of a cluster, as Ray defines it."""


@dataclass(frozen=True, kw_only=True)
class RayLauncher:
    """A launcher that runs jobs on a Ray cluster, each on one core.

    An interrupt stops all jobs. They resume from the checkpoints that have come back by then.

    Attributes:
        console: Console that shows progress.
        processes: Number of jobs at a time. Without it: the cores of the cluster, also of nodes that join.
        address: Address of the cluster. Without it, that of the variable `RAY_ADDRESS`; without that one, a
            cluster of this machine is started, and ends with the launcher, however that ends.
        news_seconds: Seconds after which a job that runs sends the files that have changed.
    """

    console: Console
    processes: int | None = None
    address: str | None = None
    news_seconds: float = NEWS_SECONDS

    def __post_init__(self) -> None:
        check_processes(1 if self.processes is None else self.processes)
        if self.address and self.address.startswith("ray://"):
            raise ValueError(
                f"address is {self.address}; expected HOST:PORT of the cluster, or auto: run the "
                "command on one of its nodes"
            )

    def __call__(
        self, jobs: Sequence[J], finished: Callable[[J, Failure | None], None] = ignore
    ) -> dict[J, Failure]:
        """Run jobs and return those that failed; see `jobs.Launcher`.

        Raises:
            ModuleNotFoundError: If Ray is not installed.
            ConnectionError: If there is no cluster at the address.
        """
        import ray

        waiting, running = deque(jobs), dict[Any, _Remote[J]]()
        failures = dict[J, Failure]()
        with _connected(self.address, self.processes), Progress(self.console, len(jobs)) as progress:
            task = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(shipping.work)
            send = partial(task.remote, here=Path.cwd(), seconds=self.news_seconds)

            def place(remote: _Remote[J]) -> None:
                """Give a job to the cluster, unless it has ended."""
                if not remote.over:
                    running[remote.start(send)] = remote
                    return
                remote.release()
                if remote.failure:
                    failures[remote.job] = remote.failure
                progress.ended(remote)
                finished(remote.job, remote.failure)

            try:
                while waiting or running:
                    while waiting and len(running) < self._most():
                        place(_Remote(waiting.popleft()))
                    for news in ray.wait(list(running), timeout=WAIT_SECONDS)[0]:
                        if not running[news].receive(news):
                            place(running.pop(news))
                    runs = [remote for remote in running.values() if remote.runs]
                    progress.show(runs or ["waiting for a core of the cluster"])
            finally:
                _cancel(list(running))
                for remote in running.values():
                    remote.release()
        return failures

    def _most(self) -> int:
        """Return how many jobs may be with the cluster.

        They are a few more than it has cores, so that none waits for this process, and a cluster that grows
        by demand sees some.
        """
        import ray

        return self.processes or 8 + 2 * int(ray.cluster_resources().get("CPU", 0))


class _Remote(Generic[J]):
    """A job that the cluster has, or that has ended.

    Attributes:
        job: The job.
        over: Whether it has ended.
        failure: The reason if it has failed.
        runs: Whether it has begun on a node.
    """

    def __init__(self, job: J) -> None:
        self.job = job
        self.failure: Failure | None = None
        self.runs = False
        self._lock: FileLock | None = None
        self._commands: list[Arguments] = []
        self._deaths = 0
        self._started = time.monotonic()
        try:
            self._lock, self._commands = begin(job)
        except UNFIT as error:
            self.failure = Failure(str(error))
        self.over = not self._commands

    def start(self, send: Callable[..., Any]) -> Any:
        """Send the job, and return the generator of its news."""
        self.runs = False
        folder = self.job.folder
        commands = [
            [part.relative_to(folder) if isinstance(part, Path) else part for part in command]
            for command in self._commands
        ]
        return send(commands, shipping.contents(folder), shipping.sources(), folder=folder)

    def receive(self, news: Any) -> bool:
        """Receive the next news; return whether more are to come."""
        import ray

        try:
            latest: shipping.News = ray.get(next(news))
        except ray.exceptions.RayTaskError as error:  # by no command of the job: perhaps a disk is full
            self.over, self.failure = True, Failure(f"{type(error.cause).__name__}: {error.cause}")
            return False
        except ray.exceptions.RayError as error:
            self._died(Failure(str(error).partition("\n")[0], killed=True))
            return False
        if not self.runs:
            self.runs, self._started = True, time.monotonic()
        shipping.write(self.job.folder, latest.files)
        for name in latest.gone:
            (self.job.folder / name).unlink(missing_ok=True)
        if latest.failure and latest.failure.killed:  # perhaps a node that dies first kills what it runs
            self._died(latest.failure)
            return False
        self.over, self.failure = latest.over, latest.failure
        return not self.over

    def _died(self, failure: Failure) -> None:
        """Note that the job was killed; it has failed if that happens too often."""
        self._deaths += 1
        if self._deaths > RETRIES:
            self.over, self.failure = True, failure

    def release(self) -> None:
        """Release the folder of the job."""
        if self._lock:
            self._lock.release()

    def __str__(self) -> str:
        seconds = f"{time.monotonic() - self._started:.0f} s"
        return f"{self.job}: {'failed' if self.failure else self.job.progress()}, {seconds}"


@contextlib.contextmanager
def _connected(address: str | None, processes: int | None) -> Iterator[None]:
    """Connect to the cluster of an address or of the environment, or to one of this machine.

    Raises:
        ConnectionError: If there is no cluster at the address.
    """
    import ray

    if ray.is_initialized():  # by a program that has more to do with it
        yield
        return
    address = address or os.environ.get(ADDRESS)
    folder = "/tmp" if os.name == "posix" else None  # other names may be too long for Ray's sockets
    with tempfile.TemporaryDirectory(prefix="ray-", dir=folder, ignore_cleanup_errors=True) as made:
        settings: dict[str, Any] = {}
        if not address:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report to its makers
            settings["num_cpus"] = processes or cores()
            settings["include_dashboard"] = False
            settings["object_store_memory"] = STORE_BYTES
            settings["_system_config"] = OWN
            settings["_temp_dir"] = made
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with contextlib.chdir(made):  # workers import from the present folder: copy.py may be a model
                ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **settings)
        except (ConnectionError, RuntimeError) as error:
            if not address:
                raise
            raise ConnectionError(
                f"there is no Ray cluster at {address} ({error}); see ray status, or leave out --address"
            ) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, handler)  # Ray has its own
        try:
            yield
        finally:
            ray.shutdown()


def _cancel(running: list[Any]) -> None:
    """Ask jobs to stop, and wait until they have."""
    import ray

    for news in running:
        ray.cancel(news)
    end = time.monotonic() + GRACE_SECONDS
    while running and time.monotonic() < end:
        for news in ray.wait(running, timeout=WAIT_SECONDS)[0]:
            try:
                ray.get(next(news))
            except (StopIteration, ray.exceptions.RayError):
                running.remove(news)
