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

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from ntm_leaderboard.results import SKETCH, Result

COPY = 0.01
"""Distance of outputs or weights below which two models are one: less than half of any of two trainings."""


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the distance of two sketches, relative to their lengths: from 0 to the root of 2."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    scale = np.hypot(np.linalg.norm(a), np.linalg.norm(b))
    return float(np.linalg.norm(a - b) / scale) if scale else 0.0


class Models:
    """Models on one task, among which copies are found.

    A model is compared with all others at once, as boards may have millions of pairs.
    """

    def __init__(self, results: Iterable[Result] = ()) -> None:
        self._results: list[Result] = []
        self._by_commitment: dict[str, list[int]] = defaultdict(list)
        self._sketches = np.full((16, 2, SKETCH), np.nan)  # of outputs and weights; NaN is close to nothing
        self._squares = np.full((16, 2), np.nan)
        for result in results:
            self.add(result)

    def add(self, result: Result) -> None:
        """Add the model of a result."""
        count = len(self._results)
        if count == len(self._squares):
            self._sketches = np.concatenate([self._sketches, np.full_like(self._sketches, np.nan)])
            self._squares = np.concatenate([self._squares, np.full_like(self._squares, np.nan)])
        if result.probe:
            self._sketches[count] = result.probe.outputs, result.probe.weights
            self._squares[count] = (self._sketches[count] ** 2).sum(axis=1)
        self._by_commitment[result.commitment].append(count)
        self._results.append(result)

    def copied(self, result: Result) -> str | None:
        """Return the name and the seed of the first model that the one of a result is a copy of.

        A run that is repeated, with the same agent and seed, is no copy.
        """
        for i in sorted({*self._by_commitment.get(result.commitment, ()), *self._close(result)}):
            other = self._results[i]
            if (other.agent, other.seed) != (result.agent, result.seed):
                return f"{other.agent}, seed {other.seed}"
        return None

    def _close(self, result: Result) -> list[int]:
        """Return the models closer than `COPY`, by |a - b|^2 <= COPY^2 (|a|^2 + |b|^2), multiplied out."""
        if result.probe is None:
            return []
        count, mine = len(self._results), np.array([result.probe.outputs, result.probe.weights])
        products = np.einsum("nks,ks->nk", self._sketches[:count], mine)
        squares = self._squares[:count] + (mine**2).sum(axis=1)
        close = 2 * products >= (1 - COPY**2) * squares
        return [int(i) for i in np.flatnonzero(close.any(axis=1))]
