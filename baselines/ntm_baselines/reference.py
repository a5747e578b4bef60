"""The agents that need no training: the best, the constant and the guessing one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.tasks import Task


def oracle(task: Task) -> Agent | None:
    """Return the best possible agent of a task, which sees only what any agent sees, if there is one."""
    return task.oracle()


def reference(task: Task) -> Agent | None:
    """Return the agent that stands in the place of an oracle, of a task that has none."""
    return None if task.oracle() else task.reference()


class Uniform:
    """Answers with uniform guesses: of bits, with fair coin flips."""

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
    """Answers with the output that earns the most of all that never change."""

    outputs: Mode = "answers"

    def __init__(self, task: Task) -> None:
        self._output = task.constant_output

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Do nothing; see :class:`ntm_envs.Agent`."""

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return the same answer ``[B, O]`` for everyone."""
        return np.tile(self._output, (len(observations), 1))
