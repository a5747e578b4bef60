"""Draws how much of KeyValueRecall trained models recall, against the size of their states.

    .venv/bin/ntm-envs bench --suite recall --tasks key_value_recall --agents ntm dnc sam lstm
    .venv/bin/python benchmarks/recall.py --runs bench/recall/key_value_recall/*

A number is the share of values without a wrong bit. The state is all that a model has kept after the last
step: a memory or a cache that grows with the episode counts as large as it is then. The figure is that of
Arora et al., *Zoology: Measuring and Improving Recall in Efficient Language Models* (arXiv 2312.04927).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import torch
import tyro

from ntm_agents import ModelAgent, load_run
from ntm_agents.protocol import tensors
from ntm_envs import capacity
from ntm_envs.tasks import Batch
from ntm_leaderboard.documents.markdown import table
from ntm_leaderboard.harness.outputs import episodes
from ntm_leaderboard.page.figures import COLOURS, MARKERS, STYLE


@dataclass(frozen=True, kw_only=True)
class Options:
    """Play trained models on KeyValueRecall, print a table, and draw a figure."""

    runs: tuple[Path, ...]
    """Folders of agents, each with a run for each seed."""
    pairs: tuple[int, ...] = (32, 64, 128, 256, 512, 1024)
    """Numbers of pairs."""
    episodes: int = 64
    """Episodes of each size."""
    rows: int = 8
    """Episodes at a time."""
    tables: int | None = None
    """Number of tables of a SAM's index, in place of that in training."""
    output: Path = Path("docs/recall.png")
    """File of the figure."""


def main(options: Options) -> None:
    """Play, print the table, and draw."""
    torch.set_num_threads(1)
    lines, figure = [], matplotlib.figure.Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for place, folder in enumerate(options.runs):
        shares, numbers = [], []
        for run in sorted(path.parent for path in folder.glob("*/summary.json")):
            found = [play(run, pairs, options) for pairs in options.pairs]
            shares.append([share for share, _ in found])
            numbers = [number for _, number in found]
            lines.append([f"`{folder.name}`", run.name[5:], *(f"{share:.3f}" for share in shares[-1])])
        lines.append([f"`{folder.name}`", "state", *(f"{number:,}" for number in numbers)])
        colour = COLOURS[place % len(COLOURS)]
        marks: Any = {"color": colour, "marker": MARKERS[place % len(MARKERS)]}
        marks["markerfacecolor"] = colour if place < len(COLOURS) else "white"  # used for the second time
        axes.plot(numbers, np.mean(shares, 0), label=folder.name, **marks)
        axes.plot(numbers, np.transpose(shares), linestyle="none", alpha=0.3, markersize=3, **marks)
    head = ["agent", "seed", *(f"{pairs:,}" for pairs in options.pairs)]
    print(table(head, lines, ["---", *["---:"] * (len(head) - 1)]))
    sizes = f"numbers in the state, for {options.pairs[0]:,} to {options.pairs[-1]:,} pairs (log scale)"
    axes.set(xscale="log", xlabel=sizes, ylabel="share of values right", ylim=(-0.02, 1.02))
    figure.legend(loc="outside right upper", frameon=False)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.output, dpi=150, metadata={"Software": None})


def play(run: Path, pairs: int, options: Options) -> tuple[float, int]:
    """Return the share of values that are right, and the numbers that the state has in the end."""
    model: Any
    model, settings = load_run(run)
    if options.tables is not None:
        model.config = replace(model.config, tables=options.tables)
    task = settings.task_spec().make()
    agent, batch = ModelAgent(model, task.answers), episodes(task, {"pairs": pairs}, options.episodes)
    right = answers = 0
    for first in range(0, options.episodes, options.rows):
        part = batch.rows(slice(first, first + options.rows))
        agent.begin(len(part.keys), capacity(len(part.inputs)), seed=0)
        answered = ((agent.act_on_sequences(part.inputs) > 0.5) == part.targets).all(2)[part.mask]
        right, answers = right + int(answered.sum()), answers + len(answered)
    return right / answers, state_size(model, batch)


def state_size(model: Any, batch: Batch) -> int:
    """Return how many numbers a model keeps of one episode."""
    inputs = torch.from_numpy(batch.inputs[:, :1])
    with torch.no_grad():
        _, state = model(inputs, model.initial_state(1, capacity(len(inputs))))
    return sum(tensor.numel() for _, tensor in tensors(state))


if __name__ == "__main__":
    with mpl.rc_context(STYLE):
        main(tyro.cli(Options))
