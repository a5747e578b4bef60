r"""Prints the accuracy of trained models on OneShot, by how often a class has been presented, seed by seed.

    .venv/bin/ntm-envs bench --suite recall --tasks one_shot --agents mann lstm ntm nearest \
        --budget 40000 --first-seed 2030
    .venv/bin/python benchmarks/presentations.py bench/recall/one_shot/*

The columns are numbers of presentations: 1 is the first time that a class is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from ntm_leaderboard.documents.markdown import table
from ntm_leaderboard.results import Result
from ntm_leaderboard.wording import sizes_text


@dataclass(frozen=True, kw_only=True)
class Options:
    """Print a table of all results in the folders of agents."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of agents, each with a run for each seed."""


def main(options: Options) -> None:
    """Print the table."""
    results = [
        Result.read(path) for folder in options.folders for path in sorted(folder.glob("*/result.json"))
    ]
    names = list(dict.fromkeys(name for result in results for name in result.rungs[0].score.metrics))
    lines = [
        [
            f"`{result.agent}`",
            str(result.seed),
            sizes_text(rung.sizes),
            *(f"{rung.score.metrics[name]:.3f}" if name in rung.score.metrics else "" for name in names),
        ]
        for result in results
        for rung in result.rungs
    ]
    head = ["agent", "seed", "sizes", *(name.rpartition("_")[2] for name in names)]
    print(table(head, lines, ["---", "---:", "---", *["---:"] * len(names)]))


if __name__ == "__main__":
    main(tyro.cli(Options))
