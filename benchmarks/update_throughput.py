"""Measures whole updates of the NTM: their phases, padding, compiled steps, and trained weights.

    taskset --cpu-list 0 .venv/bin/python benchmarks/update_throughput.py

With `--agent mann` or `dntm` it measures batches of that machine instead, in plain PyTorch and by the fused
kernel.

All variants of a line are measured in turn, in one process: the median and, in brackets, the least.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, cast
from unittest.mock import patch

import numpy as np
import torch
import tyro
from torch import Tensor

from ntm_agents import Run, TrainConfig, Trainer, load_run
from ntm_agents.pretrained import pretrained, pretrained_tasks
from ntm_agents.protocol import Model
from ntm_agents.readout import Readout, readout
from ntm_agents.registry import TABLE, find
from ntm_envs import capacity, tasks
from ntm_leaderboard.harness.outputs import episodes, sequence_task
from ntm_leaderboard.harness.timing import measure

BATCHES = {
    "mann": (("ngrams", 512), ("one_shot", 128)),
    "dntm": (("repeat_copy", 128), ("repeat_copy", 256), ("copy", 128)),
}
"""Tasks and numbers of slots of the batches of a machine."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure updates."""

    rounds: int = 7
    """Number of rounds."""
    agent: Literal["ntm", "mann", "dntm"] = "ntm"
    """Agent to measure."""


def main(options: Options) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    if options.agent != "ntm":
        machine(options.agent, options.rounds)
        return
    updates(options.rounds)
    padding()
    compiled(options.rounds)
    trained(options.rounds)


def updates(rounds: int) -> None:
    """Print the time of an update, by its phases, and the share that is not the model's."""
    for B in (1, 32):
        run = Run(
            agent="ntm",
            entry="ntm_agents:NTM",
            task="copy",
            model={"memory_slots": 128},
            train=TrainConfig(sequences=10**9, batch_size=B, validate_every=10**9),
        )
        trainer = Trainer(run)
        trainer._spec = replace(trainer._spec, training={"length": (20, 20)})
        times = phases(trainer, rounds)
        rest = 1 - (times["forward"] + times["backward"]) / times["update"]
        listed = ", ".join(f"{name} {ms:.2f} ms" for name, ms in times.items())
        print(f"An update at B = {B}: {listed}; not the model's: {rest:.0%}")


def phases(trainer: Trainer, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of an update, and of each of its phases."""
    times: dict[str, list[float]] = {}

    def timed(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **named: object) -> object:
            start = time.perf_counter()
            result = function(*arguments, **named)
            times.setdefault(name, []).append(1000 * (time.perf_counter() - start))
            return result

        return run

    places = (
        (trainer, "_batch"),
        (trainer, "_forward"),
        (torch.autograd, "backward"),
        (trainer._optimizer, "step"),
    )
    with ExitStack() as stack:
        for owner, name in places:
            function = timed(name.strip("_"), getattr(owner, name))
            stack.enter_context(patch.object(owner, name, function))
        update = timed("update", trainer._update)
        for _ in range(40 * rounds):
            update()
    return {name: float(np.median(values)) for name, values in times.items()}


def padding() -> None:
    """Print the steps of a batch of mixed sizes in buckets, as a share of those of the padded batch."""
    for row in tasks.suite("classic"):
        batch = sequence_task(row.make()).episodes(np.arange(3200), **row.training)
        steps = np.sort(batch.steps.reshape(-1, 32), axis=1)
        padded, bucketed = 32 * steps.max(1).sum(), 8 * steps[:, 7::8].sum()
        print(
            f"Steps of a mixed batch of 32, {row.name}: {bucketed / padded:.0%} in buckets of 8, "
            f"{steps.sum() / padded:.0%} without any padding",
        )


def compiled(rounds: int) -> None:
    """Print the time of an update by single steps, compiled ones, and the fused kernel."""
    variants = {}
    for name, kernel in (("reference", "reference"), ("compiled", "reference"), ("fused", "fused")):
        run = Run(
            agent="ntm",
            entry="ntm_agents:NTM",
            task="copy",
            model={"memory_slots": 128, "kernel": kernel},
            train=TrainConfig(sequences=10**9, validate_every=10**9, compile=name == "compiled"),
        )
        trainer = Trainer(run)
        trainer._spec = replace(trainer._spec, training={"length": (20, 20)})
        variants[name] = trainer._update
    times = measure(variants, rounds)
    listed = ", ".join(f"{name} {np.median(t):.1f} ms ({min(t):.1f})" for name, t in times.items())
    print(f"An update at B = 32: {listed}")


def trained(rounds: int) -> None:
    """Print the time of an update of each pretrained machine, and of the same machine before training.

    Weightings and memories of trained machines are full of numbers next to zero, which may take longer.
    """
    for name in pretrained_tasks("ntm"):
        model, run = load_run(pretrained("ntm", name))
        task = run.task_spec().make()
        batch = episodes(task, run.task_spec().largest, 16)
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
        models = {"trained": cast("Model", model), "new": cast("Model", run.build(task))}
        variants = {
            key: partial(update, model, readout(task.answers), inputs, targets)
            for key, model in models.items()
        }
        times = measure(variants, rounds)
        listed = ", ".join(f"{key} {np.median(t):.1f} ms ({min(t):.1f})" for key, t in times.items())
        print(f"{name}, 16 sequences of the largest size: {listed}")


def machine(agent: str, rounds: int) -> None:
    """Print the processor time of a batch by a machine's recipes, forward and backward, by either kernel."""
    spec = find(agent, TABLE)
    for name, slots in BATCHES[agent]:
        row, recipe = tasks.spec(name), spec.recipe(name)
        task = row.make()
        batch = episodes(task, row.largest, 16)
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)
        variants = {}
        for kernel in ("reference", "fused"):
            config = {**recipe.model, "memory_slots": slots, "kernel": kernel}
            run = Run(agent=agent, entry=spec.entry, task=name, model=config, train=recipe.train)
            model = cast("Model", run.build(task))
            variants[kernel] = partial(update, model, readout(task.answers), inputs, targets)
        times = measure(variants, rounds, clock=time.process_time)
        listed = ", ".join(f"{kernel} {np.median(t):.1f} ms ({min(t):.1f})" for kernel, t in times.items())
        ratio = np.median(times["reference"]) / np.median(times["fused"])
        least = min(times["reference"]) / min(times["fused"])
        print(
            f"{agent}, {name}, 16 sequences of {len(inputs)} steps, {slots} slots: {listed}; "
            f"{ratio:.1f} times as fast ({least:.1f})"
        )


def update(model: Model, read: Readout, inputs: Tensor, targets: Tensor) -> None:
    """Compute the loss of a batch and its gradient."""
    state = model.initial_state(inputs.shape[1], capacity(len(inputs)))
    read.loss(model(inputs, state)[0], targets).backward()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(tyro.cli(Options))
