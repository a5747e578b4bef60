"""Measures what threads are worth: batches of the fused kernel on one, and on as many as there are cores.

    taskset --cpu-list 0,1 .venv/bin/python benchmarks/threads.py

A time is that of forward and backward of one batch. "Divided" is the share of the time on one thread that
several threads divide; the rest is PyTorch's and Python's. The last column tells how much the cores
themselves are worth: how much as many processes with one thread each, which share nothing else, compute at
once. It takes a minute.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any
from unittest import mock

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from train_throughput import WORKS, Work

from ntm_agents.kernels import threads as kernel_threads
from ntm_agents.kernels.threads import set_num_threads
from ntm_leaderboard.harness.timing import measure


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure what threads are worth."""

    threads: int = 2
    """Number of threads, and of processes."""
    rounds: int = 7
    """Number of rounds."""


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    threads = options.threads
    table = Table(title="Milliseconds a batch of the fused kernel: median (least)", box=None)
    several = ("divided", f"{threads} threads", "times as fast", f"{threads} processes")
    for name in ("B", "T", "N", "controller", "heads", "1 thread", *several):
        table.add_column(name, justify="right")
    for work in WORKS:
        batch = work.variants()["fused"]
        times = measure({str(n): partial(on, n, batch) for n in (1, threads)}, options.rounds)
        with others(work, threads - 1):
            beside = measure({"": partial(on, 1, batch)}, options.rounds)[""]
        alone, shared = times.values()
        cells = [f"{np.median(t):.1f} ({min(t):.1f})" for t in (alone, shared)]
        cells.insert(1, f"{divided(batch, options.rounds):.0%}")
        faster = f"{np.median(alone) / np.median(shared):.2f} ({min(alone) / min(shared):.2f})"
        most = (
            f"{threads * np.median(alone) / np.median(beside):.2f} ({threads * min(alone) / min(beside):.2f})"
        )
        heads = f"{work.heads} + {work.heads}"
        table.add_row(*map(str, (work.B, work.T, work.N, work.controller, heads)), *cells, faster, most)
    Console(width=124).print(table)


def on(threads: int, batch: Callable[[], None]) -> None:
    """Compute a batch on so many threads."""
    set_num_threads(threads)
    batch()


def divided(batch: Callable[[], None], rounds: int) -> float:
    """Return the share of a batch on one thread that several would divide."""
    set_num_threads(1)
    run, spent = kernel_threads.run, []

    def timed(*arguments: Any) -> None:
        start = time.perf_counter()
        run(*arguments)
        spent.append(time.perf_counter() - start)

    start = time.perf_counter()
    with mock.patch.object(kernel_threads, "run", timed):
        for _ in range(rounds):
            batch()
    return sum(spent) / (time.perf_counter() - start)


@contextmanager
def others(work: Work, count: int) -> Iterator[None]:
    """Have other processes compute the same batch again and again."""
    context = multiprocessing.get_context("spawn")
    events = [context.Event() for _ in range(count)]
    processes = [context.Process(target=again_and_again, args=(work, event)) for event in events]
    try:
        for process in processes:
            process.start()
        for event in events:
            event.wait()
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def again_and_again(work: Work, begun: Event) -> None:
    """Compute a batch until the process is killed."""
    torch.set_num_threads(1)
    batch = work.variants()["fused"]
    batch()
    begun.set()
    while True:
        batch()


if __name__ == "__main__":
    main(tyro.cli(Options))
