"""Agents that need no training: the oracle, the best constant answer and uniform guesses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.tasks import Task


def oracle(task: Task) -> Agent | None:
    """Return the best agent of a task that sees only what every agent sees; None if there is none."""
    return task.oracle()


def reference(task: Task) -> Agent | None:
    """Return a good agent for a task without an oracle; None for other tasks."""
    return None if task.oracle() else task.reference()


class Uniform:
    """Uniform guesses: of bits, fair coin flips."""

    outputs: Mode = "answers"

    def __init__(self, task: Task) -> None:
        self._answers = task.answers

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Seed the guesses; see :class:`ntm_envs.Agent`."""
        self._random = np.random.default_rng(seed)

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return random answers ``[B, O]``."""
        return self._answers.uniform(self._random, len(observations))


class Constant:
    """The constant answer with the highest return."""

    outputs: Mode = "answers"

    def __init__(self, task: Task) -> None:
        self._output = task.constant_output

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Do nothing; see :class:`ntm_envs.Agent`."""

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return the same answer for all episodes ``[B, O]``."""
        return np.tile(self._output, (len(observations), 1))
