"""The agents that need no training: what the best, the blind and the guessing one reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent, Outputs
from ntm_envs.tasks import Task


def oracle(task: Task) -> Agent:
    """Return the best possible agent of a task, which sees only what any agent sees."""
    return task.oracle()


class CoinFlips:
    """Answers with fair coin flips."""

    outputs: Outputs = "bits"

    def __init__(self, task: Task) -> None:
        self._output_size = task.output_size

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Seed the coin; see :class:`ntm_envs.Agent`."""
        self._coin = np.random.default_rng(seed)

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return random bits int8 ``[B, O]``."""
        return self._coin.integers(2, size=(len(observations), self._output_size), dtype=np.int8)


class Constant:
    """Answers with the output that earns the most of all that never change."""

    outputs: Outputs = "bits"

    def __init__(self, task: Task) -> None:
        self._output = task.constant_output

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Do nothing; see :class:`ntm_envs.Agent`."""

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return the same bits int8 ``[B, O]`` for everyone."""
        return np.tile(self._output, (len(observations), 1))
