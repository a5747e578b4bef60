"""The protocol of whoever acts in an environment: NumPy in, NumPy out.

Trained networks, Stable-Baselines3 policies, oracles, uniform guesses and agents that were trained elsewhere
are all evaluated behind these two methods.

Example:
    >>> class Zeros:
    ...     outputs = "answers"
    ...     def begin(self, num_envs, capacity, seed):
    ...         pass
    ...     def act(self, observations):
    ...         return np.zeros((len(observations), 8), np.int8)
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Mode


@runtime_checkable
class Agent(Protocol):
    """Acts in ``num_envs`` episodes at once, from their first step to their last."""

    outputs: Mode
    """What `act` returns: answers, or the probabilities of their symbols (:mod:`ntm_envs.answers`)."""

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Forget everything; the first observations of new episodes come next.

        Args:
            num_envs: Number of episodes that are played side by side.
            capacity: Upper bound of the number of steps, a power of two (see :func:`capacity`).
            seed: Seed of the agent's own randomness, if it has any.
        """

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return the actions that answer the observations ``[B, I]``.

        They are answers ``[B, O]``, or probabilities ``[B, L]``: one a bit, k a symbol of k classes.
        """


@runtime_checkable
class SequenceAgent(Agent, Protocol):
    """An agent that can also take whole sequences at once, faster than step by step."""

    def act_on_sequences(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        """Return the actions ``[T, B, ...]`` of observations ``[T, B, I]``, from `begin` on.

        They must be those that `act` returns step by step.
        """


def capacity(steps: int) -> int:
    """Return the step bound that a model may know: ``steps`` rounded up to the next power of two.

    What sizes an external memory must not give the length of the episode away: a circular memory of
    exactly the right size returns to its start just when the end marker is due.

    Example:
        >>> capacity(41), capacity(64), capacity(65)
        (64, 64, 128)

    Raises:
        ValueError: If ``steps`` is not positive.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    return 1 << (steps - 1).bit_length()
