"""The nearest neighbour among the pixels of drawings: what a machine that recognises strokes has to surpass.

Shape letters: B episodes, t steps observed so far, I input channels, N pixels, L labels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.tasks import Task
from ntm_envs.tasks.recall.one_shot import PIXELS, OneShot


def nearest(task: Task) -> Agent | None:
    """Return the nearest neighbour for `OneShot`; None for other tasks."""
    return NearestNeighbour() if isinstance(task, OneShot) else None


class NearestNeighbour:
    """An agent that remembers all drawings, and answers with the label of the one most like the present.

    The distance of two drawings is the sum of squared differences of their grey values. It is exact, as these
    are multiples of 1/64, so platforms agree. Of equally near ones the first counts. The agent never guesses
    that a class is new, so it is wrong at all first presentations but, at times, that of the first drawing.
    """

    outputs: Mode = "answers"

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Forget all drawings; see :class:`ntm_envs.Agent`."""
        self._seen = np.zeros((num_envs, capacity, PIXELS), np.float32)
        self._squares = np.zeros((num_envs, capacity), np.float32)
        self._labels = np.zeros((num_envs, capacity), np.int64)
        self._count = 0

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return a label for each of the drawings ``[B, I]``, as ``[B, 1]``; at the first step 0."""
        drawings, t, rows = observations[:, :PIXELS], self._count, np.arange(len(observations))
        answers = np.zeros(len(observations), np.int64)
        if t:
            self._labels[:, t - 1] = observations[:, PIXELS:].argmax(axis=1)
            products = np.matmul(self._seen[:, :t], drawings[:, :, None])[:, :, 0]  # (B, t)
            answers = self._labels[rows, (self._squares[:, :t] - 2 * products).argmin(axis=1)]
        self._seen[:, t] = drawings
        self._squares[:, t] = (drawings * drawings).sum(axis=1)
        self._count += 1
        return answers[:, None]

    def bytes_per_episode(self, capacity: int) -> int:
        """Return the size of the remembered drawings; see :class:`ntm_envs.agent.SizedAgent`."""
        return 4 * PIXELS * capacity
