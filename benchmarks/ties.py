"""Splits the cost of sorting by the smallest difference of priorities, on PrioritySort.

    .venv/bin/python benchmarks/seeds.py --tasks priority_sort
    .venv/bin/python benchmarks/ties.py

The difference is the smallest between the priorities that are output, and the next one. A row of the table is
a run, a column a quarter of the sequences, and a cell their mean cost in bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from ntm_agents import ModelAgent, load_run
from ntm_envs import capacity, playing
from ntm_leaderboard.harness.outputs import AT_A_TIME, episodes

PARTS = 4
"""Parts of equal size that the sequences are divided into."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Split the cost of runs on PrioritySort by the smallest difference between priorities."""

    runs: Path = Path("bench/seeds/priority_sort/ntm")
    """Folder that has a run for each seed."""
    length: int = 20
    """Vectors of a sequence."""
    sequences: int = 2048
    """Number of sequences, the same ones for all runs."""


def main(options: Options) -> None:
    """Play, split and print."""
    torch.set_num_threads(1)
    for run in sorted(path.parent for path in options.runs.glob("*/summary.json")):
        costs, gaps = play(run, options)
        bounds = np.quantile(gaps, np.linspace(0, 1, PARTS + 1)[1:-1])
        part = np.searchsorted(bounds, gaps)
        if run == min(options.runs.glob("*")):
            names = ["run", *(f"below {bound:.4f}" for bound in bounds), "above", "all"]
            print("| " + " | ".join(names) + " |\n|" + " ---: |" * len(names))
        means = [*(costs[part == i].mean() for i in range(PARTS)), costs.mean()]
        print("| " + " | ".join([run.name, *(f"{mean:.2f}" for mean in means)]) + " |", flush=True)


def play(run: Path, options: Options) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the cost in bits of each sequence, and the smallest difference between its priorities."""
    model, settings = load_run(run)
    task = settings.task_spec().make()
    agent, sizes = ModelAgent(model, task.answers), {"length": options.length}
    batch, bound, costs = episodes(task, sizes, options.sequences), capacity(task.steps(**sizes)), []
    for first in range(0, len(batch.keys), AT_A_TIME):
        part = batch.keys[first : first + AT_A_TIME]
        played = playing.play(agent, task, sizes, part, capacity=bound, whole=True)
        assert played.costs is not None, "a model gives probabilities"
        costs.append(played.costs)
    outputs = batch.mask[:, 0].sum()
    highest = -np.sort(-batch.inputs[: options.length, :, -2], axis=0)[: outputs + 1]
    return np.concatenate(costs), (highest[:-1] - highest[1:]).min(0)


if __name__ == "__main__":
    main(tyro.cli(Options))
