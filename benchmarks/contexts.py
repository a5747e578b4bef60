"""Slots that an NTM reads while it predicts NGrams: were they written after the same bits?

    .venv/bin/ntm-envs train --agent ntm-one --task ngrams --seed 550 --output runs/ngrams
    .venv/bin/python benchmarks/contexts.py runs/ngrams --reader 1

The first write head of such a machine goes to a new slot at every step. A line has the share of a
read head's weight that is on slots which were written some steps (`delay`) after the same k bits that came
last; in brackets is the share of all slots that were.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from numpy.typing import NDArray

from ntm_agents import load_run
from ntm_envs import capacity
from ntm_leaderboard.documents.markdown import table
from ntm_leaderboard.harness.outputs import episodes


@dataclass(frozen=True, kw_only=True)
class Options:
    """Play a run on NGrams, and print a table."""

    run: tyro.conf.Positional[Path]
    """Folder of a complete run of a machine whose first write head never comes back to a slot."""
    reader: int = 0
    """Read head, from 0."""
    length: int = 200
    """Bits of an episode."""
    episodes: int = 32
    """Number of episodes."""
    after: int = 60
    """Step from which on weights count."""


def main(options: Options) -> None:
    """Play, and print the table."""
    model: Any
    model, run = load_run(options.run)
    batch = episodes(run.task_spec().make(), {"length": options.length}, options.episodes)
    inputs, found = torch.from_numpy(batch.inputs), []
    with torch.no_grad():
        state = model.initial_state(inputs.shape[1], capacity(len(inputs)))
        for observation in inputs:
            _, state = model(observation[None], state)
            found.append(state.weightings)
    weightings = torch.stack(found).numpy()  # (T, B, H, N)
    written = weightings[:, :, 0].argmax(2)
    reading = weightings[:, :, model.config.write_heads + options.reader]
    lines = []
    for delay in range(3):
        cells = []
        for k in range(1, 6):
            share, slots = shares(batch.inputs[:, :, 0] > 0.5, written, reading, k, delay, options.after)
            cells.append(f"{share:.2f} ({slots:.2f})")
        lines.append([str(delay), *cells])
    print(table(["delay", "1 bit", *(f"{k} bits" for k in range(2, 6))], lines, ["---:"] * 6))


def shares(
    bits: NDArray[Any], written: NDArray[Any], reading: NDArray[Any], k: int, delay: int, after: int
) -> tuple[float, float]:
    """Return the share of weight on slots of equal bits, and the share of written slots that have them.

    Args:
        bits: The inputs, bool ``[T, B]``.
        written: Slot that is written at each step ``[T, B]``.
        reading: Weightings of the read head ``[T, B, N]``.
        k: Number of bits that are compared.
        delay: Steps from the last of these bits to the write.
        after: First step whose weights count.
    """
    weights, counts = [], []
    for t in range(after, len(bits)):
        writes = np.arange(k - 1 + delay, t)
        equal = np.all([bits[t - j] == bits[writes - delay - j] for j in range(k)], 0)  # (writes, B)
        weight = np.take_along_axis(reading[t], written[writes].T, 1).T
        weights.append((weight * equal).sum(0).mean())
        counts.append(equal.mean())
    return float(np.mean(weights)), float(np.mean(counts))


if __name__ == "__main__":
    main(tyro.cli(Options))
