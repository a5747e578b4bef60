"""Measures how fast the baselines are: whole sequences beside a naive loop over steps, on one core.

    taskset --cpu-list 0 .venv/bin/python benchmarks/baseline_throughput.py

A model is that of its recipe for the suite `formal`, and takes batches of 32 sequences in two ways: as a
whole, and one step after another in a loop, each step a call of the same model. It prints sequences a second
as a whole and, in brackets, how many times as fast as the loop that is: forward and backward at lengths 40
and 200, and without gradients at length 500. `deltanet gated` is the DeltaNet with the option `gate`, and a
name with `reference` a machine in plain PyTorch, without what is compiled of it.

All variants of a column are measured in turn, in one process, in processor time, so that a busy machine
distorts them little. A number is that of the median. It takes about five minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor

from ntm_agents.protocol import Model, State, build
from ntm_envs import capacity, tasks
from ntm_envs.lookup import load
from ntm_leaderboard.harness.entrants import agent_spec
from ntm_leaderboard.harness.timing import measure

TASK, BATCH = "reverse_string", 32
WORKS = ((40, True), (200, True), (500, False))
"""Numbers of steps, and whether gradients are computed."""
OPTIONS: dict[str, dict[str, Any]] = {"gated": {"gate": True}, "reference": {"kernel": "reference"}}
"""Further options of a model, by the word behind the name of its agent."""
MODELS = (
    "rnn",
    "gru",
    "lstm",
    "transformer",
    "deltanet",
    "deltanet gated",
    "mamba",
    "slstm",
    "xlstm",
    "stack-rnn",
    "tape-rnn",
    "tape-rnn reference",
    "tape-rnn-jump",
    "tape-rnn-jump reference",
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Measure how fast the baselines are."""

    models: tuple[str, ...] = MODELS
    """Models to measure, some of these."""
    rounds: int = 5
    """Number of rounds."""


def main(options: Options) -> None:
    """Measure and print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    models = {name: model_of(name) for name in options.models}
    table = Table(title="Sequences a second as a whole (times as fast as the loop)", box=None)
    table.add_column("model")
    cells: dict[str, list[str]] = {name: [] for name in models}
    for steps, gradients in WORKS:
        what = "forward, backward" if gradients else "no gradients"
        table.add_column(f"T = {steps}, {what}", justify="right")
        variants = {
            f"{name}, {way.__name__}": partial(way, model, inputs_of(steps), gradients)
            for name, model in models.items()
            for way in (as_a_whole, in_a_loop)
        }
        times = iter(measure(variants, options.rounds, time.process_time).values())
        for name, whole, loop in zip(models, times, times, strict=True):
            rate, ratio = 1000 * BATCH / np.median(whole), np.median(loop) / np.median(whole)
            cells[name].append(f"{rate:,.0f} ({ratio:.1f})")
    for name, row in cells.items():
        table.add_row(name, *row)
    Console(width=120).print(table)


def model_of(name: str) -> Model:
    """Return a model of the size of its recipe."""
    agent, *words = name.split()
    row = agent_spec(agent)
    options = {**row.recipe(TASK, "formal").model}
    for word in words:
        options |= OPTIONS[word]
    model: Model = build(load(row.entry), tasks.get(TASK), **options)
    return model


def inputs_of(steps: int) -> Tensor:
    """Return random inputs ``[T, B, I]``."""
    return torch.randn(steps, BATCH, tasks.get(TASK).input_size)


def as_a_whole(model: Model, inputs: Tensor, gradients: bool) -> None:
    """Take all steps in one call."""
    compute(lambda state: model(inputs, state)[0], model, len(inputs), gradients)


def in_a_loop(model: Model, inputs: Tensor, gradients: bool) -> None:
    """Take one step a call."""

    def logits(state: State) -> Tensor:
        found = []
        for step in torch.split(inputs, 1):
            output, state = model(step, state)
            found.append(output)
        return torch.cat(found)

    compute(logits, model, len(inputs), gradients)


def compute(logits: Callable[[State], Tensor], model: Model, steps: int, gradients: bool) -> None:
    """Compute logits and, with gradients, the gradient of a loss."""
    with torch.set_grad_enabled(gradients):
        found = logits(model.initial_state(BATCH, capacity(steps)))
    if gradients:
        found.square().mean().backward()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(tyro.cli(Options))
