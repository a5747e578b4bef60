r"""Shows learning from rewards alone: tables, and return against steps, seed by seed.

    .venv/bin/ntm-envs bench --suite classic --output bench/reward \
        --agents ntm-ppo lstm-ppo recurrent-ppo ppo-stacked ppo a2c
    for run in {ntm-ppo,lstm-ppo,recurrent-ppo,ppo-stacked,ppo}/seed-{0..4}; do
        .venv/bin/ntm-envs train --agent ${run%/*} --task copy --seed ${run##*-} --sizes length 1 5 \
            --total-timesteps 400000 --output bench/reward-short/copy/$run
    done
    .venv/bin/python benchmarks/reward_curves.py

All commands but the last train models. The last prints tables and draws a figure of the runs that are there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import torch
import tyro

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.documents.markdown import by_cost, table
from ntm_leaderboard.documents.results import results_tables
from ntm_leaderboard.harness.outputs import episodes, probabilities
from ntm_leaderboard.page.figures import COLOURS, STYLE
from ntm_leaderboard.results import Result, Rung
from ntm_leaderboard.wording import task_name

AGENTS = ("ntm-ppo", "lstm-ppo", "recurrent-ppo", "ppo-stacked", "ppo", "a2c")
SHORT = (1, 2, 3, 5, 10, 20)
"""Lengths of Copy, including short ones."""
SEQUENCES = 256
"""Sequences of each length."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Compare agents that learn from rewards, and their speed of learning."""

    runs: Path = Path("bench/reward")
    """Folder of the runs on the whole training ranges."""
    short: Path = Path("bench/reward-short")
    """Folder of the runs on Copy of 1 to 5 vectors."""
    output: Path = Path("docs/reward.png")
    """The figure."""


def main(options: Options) -> None:
    """Print the tables and draw the figure."""
    torch.set_num_threads(1)
    specs = [spec for spec in tasks.suite("classic") if (options.runs / spec.name).exists()]
    results = [Result.read(path) for path in sorted(options.runs.glob("*/*/seed-*/result.json"))]
    print(results_tables(results, AGENTS, [spec for spec in specs if not by_cost(spec)]), end="\n\n")
    for spec in specs:
        if by_cost(spec):
            print(returns(results, spec), end="\n\n")
    for folder in (options.runs, options.short):
        inside(folder / "copy")
    with mpl.rc_context(STYLE):
        columns = 3
        rows = -(-len(specs) // columns)
        figure = matplotlib.figure.Figure(figsize=(4.6 * columns, 3.6 * rows + 0.2), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for axes in grid[len(specs) :]:
            axes.set_axis_off()
        for axes, spec in zip(grid, specs, strict=False):
            best = [rung.references["oracle"].mean_return for rung in _largest(results, spec)]
            axes.axhline(np.mean(best), color="#888888", linestyle=":", label="oracle")
            for colour, agent in zip(COLOURS, AGENTS, strict=True):
                folders = sorted(
                    path.parent for path in (options.runs / spec.name / agent).glob("*/result.json")
                )
                for i, folder in enumerate(folders):
                    lines = [
                        json.loads(line)
                        for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
                    ]
                    points = [
                        (line["steps"] / 1000, line["validation_return"])
                        for line in lines
                        if "validation_return" in line
                    ]
                    label = agent if i == 0 else None
                    axes.plot(*zip(*points, strict=True), color=colour, linewidth=1, alpha=0.8, label=label)
            axes.set_title(spec.env_id, fontsize=11, loc="left")
            axes.set(xlabel="steps taken (thousands)", ylabel="return at the largest size", ylim=(-0.1, 1.05))
        handles = {
            label: handle
            for axes in figure.axes
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            handles.values(),
            handles.keys(),
            loc="outside lower center",
            ncols=len(handles),
            frameon=False,
        )
        figure.savefig(options.output, dpi=110, metadata={"Software": None})
    print(f"The figure is {options.output}")


def returns(results: Sequence[Result], spec: TaskSpec) -> str:
    """Return a table of mean returns in Markdown: the mean of the seeds, the worst, and the oracle's.

    It is not the cost in bits, as rewards show which answer is likelier, but not by how much.
    """
    size, rungs = next(iter(spec.ladders.items()))
    mine, rows = [result for result in results if result.task == spec.env_id], []
    for agent in AGENTS:
        seeds = [[rung.score.mean_return for rung in r.rungs] for r in mine if r.agent == agent]
        if seeds:
            cells = [f"{np.mean(found):z.3f} ({min(found):z.3f})" for found in zip(*seeds, strict=True)]
            rows.append([f"`{agent}`", *cells])
    best = zip(*([rung.references["oracle"].mean_return for rung in r.rungs] for r in mine), strict=True)
    rows.append(["`oracle`", *(f"{np.mean(found):.3f}" for found in best)])
    title = f"**{task_name(spec)}**, trained up to {size} {spec.largest[size]}: mean return"
    head = [size, *(f"{rung[size]:,}" for rung in rungs)]
    return f"{title}\n\n{table(head, rows, ['---', *['---:'] * len(rungs)])}"


def _largest(results: Sequence[Result], spec: TaskSpec) -> list[Rung]:
    """Return the rungs at the largest training size."""
    return [rung for r in results if r.task == spec.env_id for rung in r.rungs if rung.sizes == spec.largest]


def inside(folder: Path) -> None:
    """Print the share of short sequences of Copy without a wrong bit: mean of the seeds, and worst."""
    task = tasks.spec("copy").make()
    print(f"Runs in {folder}\n\n| length | " + " | ".join(map(str, SHORT)) + " | seconds |")
    print("| --- |" + " ---: |" * (len(SHORT) + 1))
    for agent in AGENTS:
        runs = sorted(path.parent for path in (folder / agent).glob("*/summary.json"))
        if not runs:
            continue
        cells = []
        for length in SHORT:
            batch = episodes(task, {"length": length}, SEQUENCES)
            right = []
            for run in runs:
                wrong = (task.answers.decode(probabilities(run, batch)) != batch.targets) & batch.mask[
                    ..., None
                ]
                right.append(float(1 - wrong.any((0, 2)).mean()))
            cells.append(f"{np.mean(right):.3f} ({min(right):.3f})")
        seconds = [json.loads((run / "summary.json").read_text(encoding="utf-8"))["seconds"] for run in runs]
        print(f"| `{agent}` | " + " | ".join(cells) + f" | {np.median(seconds):,.0f} |")
    print()


if __name__ == "__main__":
    main(tyro.cli(Options))
