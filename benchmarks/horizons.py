"""Generalisation against training: how far do the weights go that a run had on the way?

    .venv/bin/ntm-envs train --agent ntm-one --task copy --keep-every 12000 --output runs/copy
    .venv/bin/python benchmarks/horizons.py runs/copy

Weights are those of validations, none chosen; the last line is the run itself, which keeps those of the
least validation loss. A cell is the share of sequences without a wrong symbol, or the cost in bits above the
optimum. Results lie beside the weights, so that the same command goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from ntm_agents.training.run import read_summary
from ntm_agents.training.writer import KEPT
from ntm_envs import tasks
from ntm_leaderboard.documents.markdown import by_cost, cost_above_oracle, table
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.harness.evaluate import evaluate
from ntm_leaderboard.results import Result
from ntm_leaderboard.wording import sizes_text


@dataclass(frozen=True, kw_only=True)
class Options:
    """Evaluate the weights that runs had on the way, and print a table for each run."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of complete runs that were trained with `--keep-every`."""
    up_to: int | None = None
    """Largest size to evaluate at."""
    sequences: int = 64
    """Sequences of each size."""


def main(options: Options) -> None:
    """Evaluate, and print the tables."""
    torch.set_num_threads(1)
    for run in options.runs:
        kept = sorted((run / KEPT).iterdir(), key=lambda folder: int(folder.name))
        lines = []
        for folder in (*kept, run):
            result, summary = _result(folder, options), read_summary(folder)
            loss = f"{summary['validation_loss']:.2g}"
            lines.append([f"{summary['kept_at_sequences']:,}", loss, *_cells(result)])
        sizes = [sizes_text(rung.sizes) for rung in result.rungs]
        head = ["sequences", "validation loss", *sizes]
        print(f"{run}\n\n{table(head, lines, ['---:'] * len(head))}\n")


def _result(folder: Path, options: Options) -> Result:
    """Return the result of weights on a shortened ladder, made before or now."""
    path = folder / "horizons.json"
    if path.exists():
        return Result.read(path)
    return evaluate(from_run(folder), path, up_to=options.up_to, sequences=options.sequences)


def _cells(result: Result) -> list[str]:
    """Return the share of right sequences, or the cost above the optimum, at each size."""
    if by_cost(tasks.spec(result.task)):
        return [f"{cost_above_oracle(rung):.1f}" for rung in result.rungs]
    return [f"{rung.sequence_accuracy:.2f}" for rung in result.rungs]


if __name__ == "__main__":
    main(tyro.cli(Options))
