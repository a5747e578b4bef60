"""Plays trained models on each lesson of their task, also on those beyond the training range.

    .venv/bin/ntm-envs bench --suite graph --tasks traversal --agents dnc lstm
    .venv/bin/python benchmarks/lessons.py --runs bench/graph/traversal/dnc bench/graph/traversal/lstm

A number is the share of episodes without a wrong symbol, in per cent. Sizes of an episode are drawn from the
ranges of its lesson, and its parameters are those of the lesson.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
import tyro

from ntm_agents import ModelAgent, load_run
from ntm_agents.training.checks import with_overrides
from ntm_envs import capacity, keyed, playing
from ntm_envs.tasks import SequenceTask
from ntm_envs.tasks.lessons import Lesson
from ntm_leaderboard.documents.markdown import table

STREAM = 10**9
"""Stream of the episodes; no training has it as its seed."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Play trained models on the lessons of their task, and print a table for each agent."""

    runs: tuple[Path, ...]
    """Folders that have a run for each seed."""
    episodes: int = 256
    """Episodes of a lesson."""
    rows: int = 16
    """Episodes at a time."""


def main(options: Options) -> None:
    """Play, and print the tables."""
    torch.set_num_threads(1)
    for folder in options.runs:
        lines: list[list[str]] = []
        for run in sorted(path.parent for path in folder.glob("*/summary.json")):
            model, trained = load_run(run)
            task = trained.task_spec().make()
            agent = ModelAgent(model, task.answers)
            shares = [play(agent, task, lesson, options) for lesson in task.lessons]
            lines.append([str(trained.seed), *(f"{100 * share:.1f}" for share in shares)])
        head = ["seed", *map(str, range(1, len(lines[0])))]
        print(f"\n{folder}\n\n{table(head, lines, ['---:'] * len(head))}")


def play(agent: ModelAgent, task: object, lesson: Lesson, options: Options) -> float:
    """Return the share of a lesson's episodes that have no wrong symbol."""
    taught = with_overrides(cast("SequenceTask", task), lesson.parameters)
    keys = keyed.stream_keys(np.full(options.episodes, STREAM), np.arange(options.episodes))
    batch, right = taught.episodes(keys, **lesson.sizes), 0
    for part in batch.buckets(options.rows):
        played = playing.play_batch(agent, taught, part, capacity=capacity(len(part.mask)))
        right += int((played.wrong == 0).sum())
    return right / options.episodes


if __name__ == "__main__":
    main(tyro.cli(Options))
