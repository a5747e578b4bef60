"""How often do machines say a sequence that are asked to say it more often than ever in training?

    .venv/bin/python benchmarks/seeds.py --agents ntm ntm-jump --tasks repeat_copy
    .venv/bin/python benchmarks/repeats.py

Counted is until the end marker first comes; of a machine that does not stop, nothing is shown. A dot is the
mean of a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch.nn import functional

from ntm_agents import load_run
from ntm_envs import capacity, keyed
from ntm_leaderboard.page.figures import COLOURS, MARKERS, STYLE


@dataclass(frozen=True, kw_only=True)
class Options:
    """Draw repeats that come against repeats that were asked for."""

    runs: Path = Path("bench/seeds/repeat_copy")
    """Folder that has a folder for each agent, with a run for each seed."""
    length: int = 10
    """Vectors of a sequence."""
    up_to: int = 40
    """The largest number of repeats that is asked for."""
    sequences: int = 4
    """Sequences for each number."""
    output: Path = Path("docs/repeats.png")
    """The picture."""


def main(options: Options) -> None:
    """Count, print and draw."""
    torch.set_num_threads(1)
    asked = np.arange(1, options.up_to + 1)
    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(6, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.axvspan(0, 10, color="#F0F0F0", label="training range")
        axes.plot(asked, asked, color="#888888", linestyle="--", linewidth=1, label="as asked")
        agents = sorted(path for path in options.runs.iterdir() if path.is_dir())
        for agent, colour, marker in zip(agents, COLOURS, MARKERS, strict=False):
            runs = sorted(path.parent for path in agent.glob("*/summary.json"))
            said = np.array([count(run, asked, options) for run in runs])
            print(f"{agent.name}: numbers of repeats, from 1 up, that come as asked:")
            print([int((row == asked).sum()) for row in said])
            axes.plot(asked, said.T, marker, color=colour, markersize=3, alpha=0.6)
            axes.plot([], [], marker, color=colour, label=agent.name)
        axes.set(xlabel="repeats asked for", ylabel="repeats until the end marker", xlim=(0, options.up_to))
        axes.set_ylim(0, options.up_to + 10)
        axes.legend(loc="upper left")
        figure.savefig(options.output, dpi=150)
    print(f"The picture is {options.output}")


def count(run: Path, asked: NDArray[np.int64], options: Options) -> NDArray[np.float64]:
    """Return how often a machine says the sequence, on average; NaN where it does not stop."""
    model, settings = load_run(run)
    task = settings.task_spec().make()
    end, said = options.length + 1, np.full(len(asked), np.nan)
    steps = end + options.length * (options.up_to + 10) + 1
    keys = keyed.stream_keys(np.zeros(options.sequences, np.uint64), np.arange(options.sequences))
    for i, repeats in enumerate(asked):
        heard = torch.from_numpy(
            task.episodes(keys, length=options.length, repeats=int(repeats)).inputs[:end]
        )
        inputs = functional.pad(heard, (0, 0, 0, 0, 0, steps - end))  # silence for as long as it takes
        with torch.inference_mode():
            logits, _ = model(inputs, model.initial_state(len(keys), capacity(steps)))
        over = (logits[end:, :, -1] > 0).numpy()
        if over.any(0).all():
            said[i] = (over.argmax(0) / options.length).mean()
    return said


if __name__ == "__main__":
    main(tyro.cli(Options))
