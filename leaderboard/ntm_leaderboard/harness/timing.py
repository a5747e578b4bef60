"""The timing of variants of one computation side by side, for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

ROUND_SECONDS = 0.15
"""Time that a variant gets in each round; a single call may take longer."""


def measure(
    variants: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Return the milliseconds of each call of each variant.

    The variants are called in turn, in one process, so that a busy machine slows all of them alike. Short
    ones are called several times in a round. A first call of each is not measured.

    Args:
        variants: Calls to measure, by name.
        rounds: Number of rounds, at least 1.
        clock: Returns the time in seconds; `time.process_time` leaves out what other processes take.
    """
    for call in variants.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, call in variants.items():
            began = clock()
            while True:
                start = clock()
                call()
                now = clock()
                times[name].append(1000 * (now - start))
                if now - began > ROUND_SECONDS:
                    break
    return times
