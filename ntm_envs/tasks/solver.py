"""The oracle of tasks that are heard to the end and then answered.

Example:
    An oracle for a task whose last channel asks for the 8-bit vectors in reverse order::

        Solver(Bits(8), asks=lambda seen: seen[:, -1] == 1, answer=lambda heard: heard[-2::-1, :8])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Answers, Mode

Floats = NDArray[np.float32]


class Solver:
    """An agent that listens until it is asked and then gives its whole answer, step by step.

    Args:
        answers: The type of the answers, of O symbols.
        asks: Tells from observations ``[B, I]`` which of them may end the question, bool ``[B]``.
        answer: Gives from everything heard in one episode, ``[t, I]``, the answers ``[A, O]`` of the
            steps that follow, or None if the question goes on.
        at_once: Whether the first answer is due at the step that ends the question, or at the next one.
    """

    outputs: Mode = "answers"

    def __init__(
        self,
        answers: Answers,
        asks: Callable[[Floats], NDArray[np.bool_]],
        answer: Callable[[Floats], NDArray[Any] | None],
        at_once: bool = False,
    ) -> None:
        self._answers = answers
        self._asks = asks
        self._answer = answer
        self._wait = 0 if at_once else 1

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Forget everything; see :class:`ntm_envs.agent.Agent`."""
        self._heard: list[Floats] = []
        self._plan = np.zeros((capacity + 1, num_envs, self._answers.width), self._answers.dtype)

    def act(self, observations: Floats) -> NDArray[Any]:
        """Return the planned answers ``[B, O]`` of this step: zeros while listening."""
        self._heard.append(observations)
        now = len(self._heard) - 1
        for row in np.flatnonzero(self._asks(observations)).tolist():
            self._set(now, row, np.stack([seen[row] for seen in self._heard]))
        planned: NDArray[Any] = self._plan[now].copy()
        return planned

    def act_on_sequences(self, inputs: Floats) -> NDArray[Any]:
        """Return the planned answers ``[T, B, O]`` of whole sequences."""
        T, B, I = inputs.shape  # noqa: E741
        for now, row in np.argwhere(self._asks(inputs.reshape(-1, I)).reshape(T, B)).tolist():
            self._set(now, row, inputs[: now + 1, row])
        planned: NDArray[Any] = self._plan[:T]
        return planned

    def _set(self, now: int, row: int, heard: Floats) -> None:
        """Plan the answer to what has been heard until now, if the question is over."""
        answer = self._answer(heard)
        if answer is not None:
            first = now + self._wait
            self._plan[first : first + len(answer), row] = answer
