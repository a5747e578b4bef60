"""What is learnt from rewards alone: return of the largest training size against steps taken, seed by seed.

    .venv/bin/ntm-envs bench --preset classic --tasks copy --output bench/reward \
        --agents ntm-ppo lstm-ppo ppo ppo-stacked a2c recurrent-ppo
    .venv/bin/ntm-envs bench --preset classic --tasks associative_recall repeat_copy --output bench/reward \
        --agents ntm-ppo lstm-ppo ppo
    .venv/bin/python benchmarks/reward_curves.py

The first two commands train and judge; the last prints tables and draws a picture of whatever is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import tyro
from classic import tables

from ntm_envs import tasks
from ntm_leaderboard.figures import COLOURS, STYLE
from ntm_leaderboard.results import Result

AGENTS = ("ntm-ppo", "lstm-ppo", "recurrent-ppo", "ppo-stacked", "ppo", "a2c")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Show what agents have learnt from rewards, and how soon."""

    runs: Path = Path("bench/reward")
    """Folder of the runs."""
    output: Path = Path("docs/reward.png")
    """The picture."""


def main(options: Options) -> None:
    """Print the tables and draw the picture."""
    specs = [spec for spec in tasks.TABLE if (options.runs / spec.name).exists()]
    results = [Result.read(path) for path in sorted(options.runs.glob("*/*/seed-*/result.json"))]
    print(tables(results, AGENTS, specs))
    with mpl.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(4.6 * len(specs), 3.8), layout="constrained")
        for axes, spec in zip(figure.subplots(1, len(specs), squeeze=False)[0], specs, strict=True):
            for colour, agent in zip(COLOURS, AGENTS, strict=True):
                folders = sorted(
                    path.parent for path in (options.runs / spec.name / agent).glob("*/result.json")
                )
                for i, folder in enumerate(folders):
                    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
                    points = [
                        (line["steps"], line["validation_return"])
                        for line in lines
                        if "validation_return" in line
                    ]
                    label = agent if i == 0 else None
                    axes.plot(*zip(*points, strict=True), color=colour, linewidth=1, alpha=0.8, label=label)
            axes.set_title(spec.env_id, fontsize=11, loc="left")
            axes.set(xlabel="steps taken", ylabel="return at the largest training size", ylim=(-0.1, 1.05))
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
    print(f"The picture is {options.output}")


if __name__ == "__main__":
    main(tyro.cli(Options))
