"""The oracle of tasks in which a complete question comes before the answer.

Shape letters: B episodes, T time steps, t steps observed so far, I input channels, O symbols per answer.

Example:
    An oracle that outputs 8-bit vectors in reverse order, once the last channel is 1::

        Solver(Bits(8), asks=lambda now: now[:, -1] == 1, answer=lambda inputs: inputs[-2::-1, :8])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Answers, Mode

Floats = NDArray[np.float32]


class Solver:
    """An agent that observes a question to its end, and then outputs the answer step by step.

    Args:
        answers: Answer type of the task.
        asks: Function from the observations ``[B, I]`` of one step to bools ``[B]``: True where the question
            may end. It has no effect while an answer is being output.
        answer: Function from the observations of one episode so far, ``[t, I]``, to its answers ``[A, O]``,
            or to None if the question has not ended.
        at_once: If True, the first answer belongs to the step that ends the question, otherwise to the next.
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
        """Reset the state; see :meth:`ntm_envs.agent.Agent.begin`."""
        self._observed: list[Floats] = []
        self._plan = np.zeros((capacity + 1, num_envs, self._answers.width), self._answers.dtype)
        self._busy = np.zeros(num_envs, np.int64)  # step after the last planned answer

    def act(self, observations: Floats) -> NDArray[Any]:
        """Return the answers ``[B, O]`` of one step, which are zeros during the question."""
        self._observed.append(observations)
        now = len(self._observed) - 1
        for row in np.flatnonzero(self._asks(observations) & (self._busy <= now)).tolist():
            self._schedule(now, row, np.stack([step[row] for step in self._observed]))
        planned: NDArray[Any] = self._plan[now].copy()
        return planned

    def act_on_sequences(self, inputs: Floats) -> NDArray[Any]:
        """Return the answers ``[T, B, O]`` of whole sequences ``[T, B, I]``."""
        T, B, I = inputs.shape  # noqa: E741
        for now, row in np.argwhere(self._asks(inputs.reshape(-1, I)).reshape(T, B)).tolist():
            if self._busy[row] <= now:
                self._schedule(now, row, inputs[: now + 1, row])
        planned: NDArray[Any] = self._plan[:T]
        return planned

    def _schedule(self, now: int, row: int, inputs: Floats) -> None:
        """Schedule the answer to the observations ``[t, I]`` of one episode, if the question has ended."""
        answer = self._answer(inputs)
        if answer is not None:
            first = now + self._wait
            self._plan[first : first + len(answer), row] = answer
            self._busy[row] = first + len(answer)
