"""Copies: models that are another one, up to noise on its weights or another order of its hidden units.

Two models are one if sketches of their outputs, for inputs that are no sequences of the task, or of their
weights are close (:mod:`ntm_leaderboard.harness.probe`). Distances are relative: 0 for equal models, about 1
for unrelated ones. `python benchmarks/copies.py` prints the smallest ones among the committed runs:

=======================================================  =======  =======
pairs of runs on a task                                  outputs  weights
=======================================================  =======  =======
3345, both with a memory                                   0.080    0.212
2075, one or both without a memory                         0.027    0.056
a run and itself, with noise of 0.1 % on each weight       0.003    0.001
=======================================================  =======  =======

The smallest distance of weights is that of A2C and PPO from the same initial weights, which hardly changed. A
model that was trained further, or that has much more noise, is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ntm_leaderboard.results import Result

COPY = 0.01
"""Distance of outputs or weights below which two models are one: less than half of any of two trainings."""


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the distance of two sketches, relative to their lengths: from 0 to the root of 2."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    scale = np.hypot(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / scale) if scale else 0.0


def copied(result: Result, others: Iterable[Result]) -> str | None:
    """Return the name and the seed of the first of other results whose model this one is a copy of.

    A run that is repeated, with the same agent and seed, is no copy.
    """
    for other in others:
        if other.task != result.task or (other.agent, other.seed) == (result.agent, result.seed):
            continue
        if other.commitment == result.commitment or _close(result, other):
            return f"{other.agent}, seed {other.seed}"
    return None


def _close(result: Result, other: Result) -> bool:
    mine, theirs = result.probe, other.probe
    if mine is None or theirs is None:
        return False
    pairs = ((mine.outputs, theirs.outputs), (mine.weights, theirs.weights))
    return any(distance(*pair) < COPY for pair in pairs)
