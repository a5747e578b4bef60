"""The few statistics that tables and figures need, over the seeds of an agent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.results import Result, Rung

SOLVED = 0.99
"""The accuracy at which a rung counts as solved."""


def bootstrap_interval(
    values: ArrayLike, level: float = 0.95, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of values ``[n]``.

    The resamples are the same ones each time. Of one value the interval is that value.
    """
    array = np.asarray(values, np.float64)
    chosen = np.random.default_rng(0).integers(len(array), size=(resamples, len(array)))
    low, high = np.quantile(array[chosen].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def solved(rung: Rung) -> bool:
    """Tell whether a rung is solved: at least 0.99 of what can be reached.

    That is sequence accuracy where a perfect score is possible. Where it is not, because the oracle
    itself errs (NGrams), it is the share of the gap in bits between guessing and the oracle.
    """
    oracle = rung.references["oracle"]
    if oracle.wrong_bits == 0:
        return rung.sequence_accuracy >= SOLVED
    if oracle.cost_in_bits is None or rung.score.cost_in_bits is None:
        return False
    guessing = rung.bits / rung.sequences
    return (guessing - rung.score.cost_in_bits) / (guessing - oracle.cost_in_bits) >= SOLVED


def ladder(result: Result, spec: TaskSpec, size: str) -> list[Rung]:
    """Return the rungs of one ladder of a task that a result has, in order."""
    played = {tuple(sorted(rung.sizes.items())): rung for rung in result.rungs}
    keys = [tuple(sorted(rung.items())) for rung in spec.ladders[size]]
    return [played[key] for key in keys if key in played]


def horizon(rungs: Sequence[Rung], size: str) -> int:
    """Return the last size up to which every rung of a ladder is solved; 0 if the first is not."""
    reached = 0
    for rung in rungs:
        if not solved(rung):
            break
        reached = rung.sizes[size]
    return reached
