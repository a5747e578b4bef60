"""Measures the time of the classic ladders: through the environment, and as whole sequences.

    taskset --cpu-list 0 .venv/bin/python benchmarks/evaluation.py

evaluates committed runs of seed 0 in both ways, one after the other, with the references on the same
sequences, and prints seconds and ratios. Foreign models are always stepped; models of this project take whole
sequences.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported

import time
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from ntm_envs import tasks
from ntm_leaderboard.board.weights import with_weights
from ntm_leaderboard.harness.entrants import Entrant, from_run, references
from ntm_leaderboard.harness.ladder import play_ladder, rungs_of
from ntm_leaderboard.results import Result

RESULTS = Path(__file__).parents[1] / "leaderboard" / "results"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Time evaluation in both ways."""

    agents: tuple[str, ...] = ("ntm", "lstm")
    """Agents with committed runs."""


def main(options: Options) -> None:
    """Print a table for each agent."""
    torch.set_num_threads(1)
    for agent in options.agents:
        columns = (agent, "through the environment", "whole sequences", "ratio", "wrong symbols")
        print(f"| {' | '.join(columns)} |\n|---|---:|---:|---:|---|")
        total = [0.0, 0.0]
        for spec in tasks.suite("classic"):
            folder = RESULTS / spec.name / agent / "seed-0"
            with with_weights(folder, Result.read(folder / "result.json").held) as run:
                entrant = from_run(run)
            play(entrant, True, first=True)  # compiles, and fills caches
            (stepped, counts), (whole, others) = (play(entrant, way) for way in (False, True))
            same = "the same" if counts == others else f"{sum(counts):,} and {sum(others):,}"
            print(
                f"| {spec.name} | {stepped:.1f} s | {whole:.1f} s | {stepped / whole:.1f} | {same} |",
                flush=True,
            )
            total = [total[0] + stepped, total[1] + whole]
        print(f"| all | {total[0]:.1f} s | {total[1]:.1f} s | {total[0] / total[1]:.1f} | |\n")


def play(entrant: Entrant, whole: bool, first: bool = False) -> tuple[float, list[int]]:
    """Play the ladder, or a part of its first rung; return the seconds and the wrong symbols per rung."""
    spec, started = entrant.spec, time.perf_counter()
    rungs = play_ladder(
        entrant.agent,
        spec,
        entrant.commitment,
        references=references(spec.make()),
        whole=whole,
        rungs=rungs_of(spec, sequences=4)[:1] if first else rungs_of(spec),
    )
    return time.perf_counter() - started, [rung.score.wrong_symbols for rung in rungs]


if __name__ == "__main__":
    main(tyro.cli(Options))
