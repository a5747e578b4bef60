"""Scores and horizons of results, statistics over seeds, and tests of two samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.results import Result, Rung, Score

SOLVED = 0.99
"""The accuracy at which a rung counts as solved."""


def bootstrap_interval(
    *groups: ArrayLike, level: float = 0.95, resamples: int = 10_000
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean of the means of groups of values, each ``[n]``.

    Each group is resampled by itself (stratified). The resamples are the same ones each time. Of one value
    the interval is that value.
    """
    arrays, total = [np.asarray(group, np.float64) for group in groups], np.zeros(resamples)
    for array, chosen in zip(arrays, _chosen(tuple(map(len, arrays)), resamples), strict=True):
        total += array[chosen].mean(axis=1)
    low, high = np.quantile(total / len(groups), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@lru_cache(maxsize=4)  # a board has thousands of intervals of groups of the same sizes
def _chosen(sizes: tuple[int, ...], resamples: int) -> list[NDArray[np.int64]]:
    """Return the members of each group that each resample consists of, ``[resamples, n]``."""
    rng = np.random.default_rng(0)
    return [rng.integers(size, size=(resamples, size)) for size in sizes]


def interquartile_mean(values: ArrayLike) -> float:
    """Return the mean of values ``[n]`` without the lowest and the highest quarter, each rounded down.

    Source: Agarwal et al., *Deep Reinforcement Learning at the Edge of the Statistical Precipice* (2021).
    """
    ordered = np.sort(np.asarray(values, np.float64))
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def probability_of_improvement(own: ArrayLike, others: ArrayLike) -> float:
    """Return the probability that one of ``own [n]`` is above one of ``others [m]``; ties count half.

    It is the statistic U of Mann and Whitney over n m. Source: as `interquartile_mean`.
    """
    difference = np.subtract.outer(np.asarray(own, np.float64), np.asarray(others, np.float64))
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def task_score(result: Result, spec: TaskSpec) -> float | None:
    """Return the mean over a task's ladders of the mean score of their rungs beyond the first.

    It measures generalisation beyond the training range. None if a ladder has no such rung.
    """
    longer = [
        [rung.scaled_return() for rung in ladder(result, spec, size) if rung.sizes != spec.largest]
        for size in spec.ladders
    ]
    return float(np.mean([np.mean(scores) for scores in longer])) if all(longer) else None


def learned(result: Result, spec: TaskSpec) -> float | None:
    """Return the score of the largest training size, which is the first rung; None if it was not played."""
    return next((rung.scaled_return() for rung in result.rungs if rung.sizes == spec.largest), None)


def primary(score: Score, rung: Rung, spec: TaskSpec) -> float:
    """Return the accuracy that a task's charts show, from its primary metric.

    That is the share of correct sequences; or, where even the best agent errs and hardly any sequence is
    correct, the share of correct symbols.
    """
    if spec.metric == "sequences":
        return score.all_right / rung.sequences
    return 1 - score.wrong_symbols / rung.symbols


def solved(rung: Rung, spec: TaskSpec) -> bool:
    """Return whether a rung is solved: at least 0.99 by the primary metric of the task.

    That is sequence accuracy; or the share of the cost in bits of uniform guesses that is saved, of what the
    oracle saves.
    """
    if spec.metric == "sequences":
        return rung.sequence_accuracy >= SOLVED
    oracle = rung.references.get("oracle")
    if oracle is None or oracle.cost_in_bits is None or rung.score.cost_in_bits is None:
        return False
    answers = spec.make().answers
    guessing = rung.symbols / rung.sequences / answers.width * answers.uniform_cost
    return (guessing - rung.score.cost_in_bits) / (guessing - oracle.cost_in_bits) >= SOLVED


def ladder(result: Result, spec: TaskSpec, size: str, *, further: bool = False) -> list[Rung]:
    """Return the rungs of one ladder of a task that a result has, in order; with `further`, those as well."""
    rungs = (*spec.ladders[size], *(spec.further.get(size, ()) if further else ()))
    return [played for rung in rungs for played in result.rungs if played.sizes == rung]


def horizon(rungs: Sequence[Rung], spec: TaskSpec, size: str) -> int:
    """Return the last size up to which every rung of a ladder is solved; 0 if the first is not."""
    reached = 0
    for rung in rungs:
        if not solved(rung, spec):
            break
        reached = rung.sizes[size]
    return reached


def fisher(a: int, of_a: int, b: int, of_b: int) -> float:
    """Return the two-sided p-value of Fisher's exact test for a of `of_a` against b of `of_b`."""
    both, total = a + b, of_a + of_b

    def log_ways(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    def log_probability(k: int) -> float:
        return log_ways(of_a, k) + log_ways(of_b, both - k) - log_ways(total, both)

    seen = log_probability(a)
    every = [log_probability(k) for k in range(max(0, both - of_b), min(both, of_a) + 1)]
    return min(1.0, sum(math.exp(p) for p in every if p <= seen + 1e-7))


def two_shares(p: float, q: float, of_p: int, of_q: int) -> float:
    """Return the two-sided p-value of shares p of `of_p` and q of `of_q`, by a normal approximation."""
    pooled = (p * of_p + q * of_q) / (of_p + of_q)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / of_p + 1 / of_q))
    return math.erfc(abs(p - q) / deviation / math.sqrt(2)) if deviation else 1.0
