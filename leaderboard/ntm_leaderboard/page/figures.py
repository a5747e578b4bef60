"""The figure of a bench: accuracy against length, for every agent and task."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.figure
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes

from ntm_envs import tasks
from ntm_envs.files import write_atomically
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.statistics import bootstrap_interval, ladder
from ntm_leaderboard.results import Result, Rung, Score

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""The palette of Okabe and Ito, which colour-blind readers can distinguish."""
MARKERS = ("o", "s", "^", "D", "v", "P")

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "axes.axisbelow": True,
    "svg.hashsalt": "ntm-envs",
}

ROWS: tuple[tuple[str, Callable[[Score, Rung], float]], ...] = (
    ("sequence accuracy", lambda score, rung: score.all_right / rung.sequences),
    ("symbol accuracy", lambda score, rung: 1 - score.wrong_symbols / rung.symbols),
)


def accuracy_figure(results: Sequence[Result], path: Path) -> None:
    """Draw accuracy against length, a column per ladder, and write it as PNG or SVG.

    Lines are means over seeds, bands their 95 % bootstrap intervals, dots the seeds themselves; the
    training range is shaded, the oracle is a broad line behind the others, and uniform guesses are dotted.
    """
    specs = {result.task: tasks.spec(result.task) for result in results}
    columns = [
        (spec, size)
        for spec in specs.values()
        for size in spec.ladders
        if any(ladder(result, spec, size) for result in results if result.task == spec.env_id)
    ]
    agents = list(dict.fromkeys(result.agent for result in results))
    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(1.2 + 4.2 * len(columns), 5.6), layout="constrained")
        grid = figure.subplots(2, len(columns), squeeze=False, sharex="col")
        for column, (spec, size) in enumerate(columns):
            mine = [result for result in results if result.task == spec.env_id]
            for row, (label, measure) in enumerate(ROWS):
                _draw(grid[row, column], mine, agents, spec, size, measure)
                if column == 0:
                    grid[row, column].set_ylabel(label)
            grid[0, column].set_title(f"{spec.env_id} along {size}", fontsize=11, loc="left")
            grid[1, column].set_xlabel(f"{size} (log scale; trained up to the end of the shade)")
        handles = {
            label: handle
            for axes in grid.flat
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        order = {agent: handles[agent] for agent in agents} | handles  # the references last
        figure.legend(
            order.values(), order.keys(), loc="outside lower center", ncols=len(order), frameon=False
        )
        metadata, file = {"Software": None} if path.suffix == ".png" else None, io.BytesIO()
        figure.savefig(file, format=path.suffix[1:], dpi=150, metadata=metadata)
    write_atomically(path, file.getvalue())


def _draw(
    axes: Axes,
    results: Sequence[Result],
    agents: Sequence[str],
    spec: TaskSpec,
    size: str,
    measure: Callable[[Score, Rung], float],
) -> None:
    values = sorted({rung.sizes[size] for result in results for rung in ladder(result, spec, size)})
    for i, agent in enumerate(agents):
        colour = COLOURS[i % len(COLOURS)]
        marker = MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]  # so that no two agents share both
        seeds: dict[int, list[float]] = {value: [] for value in values}
        for result in results:
            for rung in ladder(result, spec, size) if result.agent == agent else ():
                seeds[rung.sizes[size]].append(measure(rung.score, rung))
        at = [value for value in values if seeds[value]]
        if not at:
            continue
        intervals = np.array([bootstrap_interval(seeds[value]) for value in at])
        axes.fill_between(at, intervals[:, 0], intervals[:, 1], color=colour, alpha=0.15, linewidth=0)
        axes.plot(at, [np.mean(seeds[value]) for value in at], color=colour, marker=marker, label=agent)
        for value in at:
            axes.plot([value] * len(seeds[value]), seeds[value], ".", color=colour, alpha=0.5, markersize=4)
    references: dict[str, Any] = {
        "oracle": {
            "color": "#D0D0D0",
            "linewidth": 6,
            "solid_capstyle": "round",
        },  # behind equal agents
        "uniform": {"color": "#777777", "linewidth": 1, "dashes": (1, 1.5)},
    }
    for name, style in references.items():
        rungs = {r.sizes[size]: r for result in results for r in ladder(result, spec, size)}
        if all(name in rung.references for rung in rungs.values()):
            line = [measure(rungs[value].references[name], rungs[value]) for value in values]
            axes.plot(values, line, label=name, zorder=1, **style)
    left = values[0] / 1.5  # most of the width is for what is beyond training
    axes.set_xscale("log")
    axes.set_xlim(left, values[-1] * 1.08)
    axes.axvspan(left, spec.largest[size], color="#F0F0F0", zorder=0, linewidth=0)
    axes.set_xticks(values, [str(value) for value in values], rotation=45)
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_ylim(-0.03, 1.04)
