"""Measures steps per second of the environments on one core, beside Gymnasium's CartPole.

    python benchmarks/env_throughput.py

Random actions, drawn beforehand, and all resets are part of the measurement; a step of n environments counts
n. Everything is measured in turn, several times over, because machines are shared: the table has the median
and, in brackets, the best. Pin it to one core if there is a way, such as `taskset --cpu-list 0`.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import gymnasium as gym
import numpy as np
import tyro
from gymnasium.utils.performance import benchmark_step, benchmark_vector_step
from rich.console import Console
from rich.table import Table

import ntm_envs

NUM_ENVS = (1, 64, 1024, 4096)
CARTPOLE = "CartPole-v1"
Measurement = Callable[[], float]


@dataclass(frozen=True)
class Options:
    """Measure how fast the environments are."""

    seconds: float = 1.0
    """Duration of one measurement."""
    rounds: int = 5
    """Number of rounds."""


def vector_rate(env: Any, seconds: float) -> Measurement:
    """Return a function that measures the steps per second of a vector environment."""
    env.action_space.seed(0)
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(16)]
    repeats = max(1, 1000 // env.num_envs)  # reading the clock takes as long as a small step

    def measure() -> float:
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            for _ in range(repeats):
                for action in actions:
                    env.step(action)
            steps += repeats * len(actions) * env.num_envs
        return steps / (time.perf_counter() - start)

    return measure


def single_rate(env: Any, seconds: float) -> Measurement:
    """Return a function that measures the steps per second of a single environment."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(1000)]
    env.reset(seed=0)

    def measure() -> float:
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            for action in actions:
                _, _, terminated, truncated, _ = env.step(action)
                if terminated or truncated:
                    env.reset()
            steps += len(actions)
        return steps / (time.perf_counter() - start)

    return measure


def batch_milliseconds(name: str, sizes: dict[str, Any], seconds: float) -> Measurement:
    """Return a function that measures the milliseconds of making a training batch of 32 episodes."""
    task = ntm_envs.tasks.get(name)
    keys = np.arange(32)

    def measure() -> float:
        batches, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            task.episodes(keys + 32 * batches, **sizes)
            batches += 1
        return 1000 * (time.perf_counter() - start) / batches

    return measure


def main(options: Options) -> None:
    """Measure everything in turn and print the tables."""
    seconds, rows = options.seconds, [ntm_envs.tasks.spec(name) for name in ntm_envs.tasks.names()]
    ids = [row.env_id for row in rows]
    vector: dict[tuple[str, int], Measurement] = {}
    other: dict[tuple[str, str], Measurement] = {}
    for n in NUM_ENVS:
        cartpole = gym.make_vec(CARTPOLE, n, vectorization_mode="vector_entry_point")
        vector[CARTPOLE, n] = vector_rate(cartpole, seconds)
        for env_id in ids:
            vector[env_id, n] = vector_rate(gym.make_vec(env_id, n), seconds)
    sync = gym.make_vec("ntm_envs/Copy-v0", 64, vectorization_mode="sync")
    other["ntm_envs/Copy-v0", "SyncVectorEnv, 64"] = vector_rate(sync, seconds)
    for env_id in ids:
        other[env_id, "one environment"] = single_rate(gym.make(env_id).unwrapped, seconds)
    for row in rows:
        if not isinstance(row.make(), ntm_envs.tasks.SequenceTask):
            continue
        other[row.env_id, "batch of 32, ms"] = batch_milliseconds(row.name, dict(row.largest), seconds)
    for env_id in (CARTPOLE, *ids):
        # Gymnasium's own benchmarks draw an action in every step, which costs more than the step itself.
        one, many = gym.make(env_id), gym.make_vec(env_id, 4096)
        # They are declared for whole seconds, and take fractions.
        duration = cast("int", seconds)
        other[env_id, "gymnasium's benchmark, one"] = partial(benchmark_step, one, duration, seed=0)
        other[env_id, "gymnasium's benchmark, 4096"] = partial(benchmark_vector_step, many, duration, seed=0)

    every: dict[Any, Measurement] = {**vector, **other}
    measured: dict[Any, list[float]] = {what: [] for what in every}
    console = Console(width=110)
    with console.status("measuring") as status:
        for i in range(options.rounds):
            for what, measure in every.items():
                status.update(f"round {i + 1} of {options.rounds}: {what[0]}, {what[1]}")
                measured[what].append(measure())

    table = Table(title="Million steps a second, by number of environments: median (best)", box=None)
    table.add_column("environment")
    for n in NUM_ENVS:
        table.add_column(str(n), justify="right")
    table.add_column("of CartPole's at 4096", justify="right")
    for env_id in (CARTPOLE, *ids):
        rates = [measured[env_id, n] for n in NUM_ENVS]
        ratio = np.median(np.divide(rates[-1], measured[CARTPOLE, NUM_ENVS[-1]]))
        cells = (f"{np.median(rate) / 1e6:.2f} ({max(rate) / 1e6:.2f})" for rate in rates)
        table.add_row(env_id, *cells, f"{ratio:.2f}")
    console.print(table)
    for env_id, what in other:
        values = measured[env_id, what]
        if what.endswith("ms"):
            text = f"{np.median(values):.3f} ms ({min(values):.3f})"
        else:
            text = f"{np.median(values) / 1e3:,.0f} thousand steps/s ({max(values) / 1e3:,.0f})"
        console.print(f"{what:28} {env_id:30} {text}", highlight=False)


if __name__ == "__main__":
    main(tyro.cli(Options))
