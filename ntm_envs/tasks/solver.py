"""The oracle of tasks that are heard to the end and then answered.

Example:
    An oracle for a task whose last channel asks for the 8-bit vectors in reverse order::

        Solver(8, asks=lambda seen: seen[:, -1] == 1, answer=lambda heard: heard[-2::-1, :8])
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Outputs

Floats = NDArray[np.float32]


class Solver:
    """An agent that listens until it is asked and then gives its whole answer, step by step.

    Args:
        output_size: Number of output channels O.
        asks: Tells from observations ``[B, I]`` which of them may end the question, bool ``[B]``.
        answer: Gives from everything heard in one episode, ``[t, I]``, the outputs ``[A, O]`` of the
            steps that follow, or None if the question goes on.
    """

    outputs: Outputs = "bits"

    def __init__(
        self,
        output_size: int,
        asks: Callable[[Floats], NDArray[np.bool_]],
        answer: Callable[[Floats], NDArray[np.float32] | None],
    ) -> None:
        self._output_size = output_size
        self._asks = asks
        self._answer = answer

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Forget everything; see :class:`ntm_envs.agent.Agent`."""
        self._heard: list[Floats] = []
        self._plan = np.zeros((num_envs, capacity + 1, self._output_size), np.int8)

    def act(self, observations: Floats) -> NDArray[np.int8]:
        """Return the planned outputs int8 ``[B, O]`` of this step: zeros while listening."""
        now = len(self._heard)
        self._heard.append(observations)
        for row in np.flatnonzero(self._asks(observations)):
            answer = self._answer(np.stack([seen[row] for seen in self._heard]))
            if answer is not None:
                self._plan[row, now + 1 : now + 1 + len(answer)] = answer
        return self._plan[:, now].copy()
