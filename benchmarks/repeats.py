"""Counts the repeats that machines output, when more are requested than ever in training.

    .venv/bin/python benchmarks/seeds.py --agents ntm ntm-jump --tasks repeat_copy
    .venv/bin/python benchmarks/repeats.py

Repeats are counted up to the first end marker; a machine that does not stop has no dot. A dot is the mean of
a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch.nn import functional

from ntm_agents import load_run
from ntm_agents.protocol import Model
from ntm_envs import capacity
from ntm_leaderboard.harness.outputs import episodes
from ntm_leaderboard.page.figures import COLOURS, MARKERS, STYLE


@dataclass(frozen=True, kw_only=True)
class Options:
    """Draw the repeats that are output against those that are requested."""

    runs: Path = Path("bench/seeds/repeat_copy")
    """Folder that has a folder for each agent, with a run for each seed."""
    length: int = 10
    """Vectors of a sequence."""
    up_to: int = 40
    """Largest number of repeats that is requested."""
    sequences: int = 4
    """Sequences for each number."""
    output: Path = Path("docs/repeats.png")
    """The picture."""


def main(options: Options) -> None:
    """Count, print and draw."""
    torch.set_num_threads(1)
    requested = np.arange(1, options.up_to + 1)
    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(6, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.axvspan(0, 10, color="#F0F0F0", label="training range")
        axes.plot(requested, requested, color="#888888", linestyle="--", linewidth=1, label="as requested")
        agents = sorted(path for path in options.runs.iterdir() if path.is_dir())
        for agent, colour, marker in zip(agents, COLOURS, MARKERS, strict=False):
            runs = sorted(path.parent for path in agent.glob("*/summary.json"))
            counted = np.array([count(run, requested, options) for run in runs])
            print(f"{agent.name}: numbers of repeats, from 1 up, that are output as requested:")
            print([int((row == requested).sum()) for row in counted])
            axes.plot(requested, counted.T, marker, color=colour, markersize=3, alpha=0.6)
            axes.plot([], [], marker, color=colour, label=agent.name)
        axes.set(xlabel="repeats requested", ylabel="repeats until the end marker", xlim=(0, options.up_to))
        axes.set_ylim(0, options.up_to + 10)
        axes.legend(loc="upper left")
        figure.savefig(options.output, dpi=150)
    print(f"The picture is {options.output}")


def count(run: Path, requested: NDArray[np.int64], options: Options) -> NDArray[np.float64]:
    """Return the mean number of repeats that a machine outputs; NaN where it does not stop."""
    module, settings = load_run(run)
    model, task = cast("Model", module), settings.task_spec().make()
    end, counted = options.length + 1, np.full(len(requested), np.nan)
    steps = end + options.length * (options.up_to + 10) + 1
    for i, repeats in enumerate(requested):
        batch = episodes(task, {"length": options.length, "repeats": int(repeats)}, options.sequences)
        seen = torch.from_numpy(batch.inputs[:end])
        inputs = functional.pad(seen, (0, 0, 0, 0, 0, steps - end))  # zeros for as long as it takes
        with torch.inference_mode():
            logits, _ = model(inputs, model.initial_state(options.sequences, capacity(steps)))
        over = (logits[end:, :, -1] > 0).numpy()
        if over.any(0).all():
            counted[i] = (over.argmax(0) / options.length).mean()
    return counted


if __name__ == "__main__":
    main(tyro.cli(Options))
