"""Measures what a launcher costs: many short jobs, beside the same commands without it.

    .venv/bin/python benchmarks/launchers.py
    .venv/bin/python benchmarks/launchers.py --launchers ray --jobs 2000

A job is `ntm-envs --version`, a third of a second. A plain loop runs as many of them at a time; the overhead
is what the launcher takes longer, a job. Rounds of both alternate, so that other work of the machine slows
both. The start of a Ray cluster is left out.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import tyro
from rich.console import Console

from ntm_leaderboard.harness.jobs import Arguments, Job, Launcher
from ntm_leaderboard.harness.launching import LaunchOptions

COMMAND = ("--version",)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Time launchers beside a plain loop."""

    launchers: tuple[Literal["local", "ray"], ...] = ("local", "ray")
    """Launchers to time."""
    jobs: int = 200
    """Number of jobs in a round."""
    processes: int = 2
    """Number of jobs at a time."""
    rounds: int = 3
    """Number of rounds."""


@dataclass(frozen=True, kw_only=True)
class Short(Job):
    """A job that takes a third of a second."""

    def __str__(self) -> str:
        return f"job {self.number}"

    def complete(self) -> bool:
        """Return False: such a job leaves nothing."""
        return False

    def commands(self) -> list[Arguments]:
        """Return its one command."""
        return [COMMAND]


def main(options: Options) -> None:
    """Print a line for each round, and one for each launcher."""
    for name in options.launchers:
        launch = LaunchOptions(launcher=name, jobs=options.processes).make(Console(file=io.StringIO()))
        overheads = []
        with started(name, options.processes):
            by_launcher(launch, options.processes)  # starts workers, and fills caches
            for number in range(options.rounds):
                plain, launched = by_loop(options), by_launcher(launch, options.jobs)
                overhead = (launched - plain) * options.processes / options.jobs
                overheads.append(overhead)
                print(
                    f"{name}, round {number + 1}: {plain:.1f} s by a loop, {launched:.1f} s by the launcher, "
                    f"{1000 * overhead:.0f} ms a job more; peak memory {peak():.0f} MiB",
                    flush=True,
                )
        print(f"{name}: {1000 * median(overheads):.0f} ms a job, the median of {options.rounds} rounds")


@contextlib.contextmanager
def started(name: str, processes: int) -> Iterator[None]:
    """Have a Ray cluster, if the launcher needs one."""
    if name == "local":
        yield
        return
    import ray

    ray.init(num_cpus=processes, include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


def by_launcher(launch: Launcher, jobs: int) -> float:
    """Return the seconds of a launcher."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        failures = launch([Short(number=n, folder=Path(folder) / str(n)) for n in range(jobs)])
        seconds = time.perf_counter() - start
    assert not failures, failures
    return seconds


def by_loop(options: Options) -> float:
    """Return the seconds of a plain loop over the commands, as many at a time."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # as jobs have

    def run(number: int) -> None:
        command = [sys.executable, "-P", "-m", "ntm_leaderboard", *COMMAND]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)

    start = time.perf_counter()
    with ThreadPoolExecutor(options.processes) as pool:
        list(pool.map(run, range(options.jobs)))
    return time.perf_counter() - start


def peak() -> float:
    """Return the largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(tyro.cli(Options))
