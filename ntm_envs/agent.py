"""The agent protocol: observations in, actions out, both as NumPy arrays.

Trained networks, Stable-Baselines3 policies, oracles, uniform guesses and agents that were trained with other
software are all evaluated through the same two methods.

Shape letters: B episodes, T time steps, I input channels, O symbols and L probabilities per answer.

Example:
    >>> class Zeros:
    ...     outputs = "answers"
    ...     def begin(self, num_envs, capacity, seed):
    ...         pass
    ...     def act(self, observations):
    ...         return np.zeros((len(observations), 8), np.int8)
"""

from __future__ import annotations

from operator import index
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Mode


@runtime_checkable
class Agent(Protocol):
    """A policy with memory that acts in a batch of episodes, from their first step to their last."""

    outputs: Mode
    """The type of the actions: answers, or the probabilities of their symbols (:mod:`ntm_envs.answers`)."""

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Reset the agent's state before the first observations of new episodes.

        Args:
            num_envs: Number of episodes B, which are played in parallel.
            capacity: Upper bound of the number of steps, a power of two (see :func:`capacity`).
            seed: Seed of the agent's own randomness, if it has any.
        """

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return the actions for the observations ``[B, I]`` of one step.

        Returns:
            Answers ``[B, O]``, or probabilities ``[B, L]``: one per bit, k per symbol of k classes.
        """


@runtime_checkable
class SequenceAgent(Agent, Protocol):
    """An agent that can also process whole sequences at once, which is faster than stepping."""

    def act_on_sequences(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        """Return the actions ``[T, B, ...]`` for the observations ``[T, B, I]`` of whole episodes.

        The result must equal that of calling `act` step by step after `begin`.
        """


@runtime_checkable
class SizedAgent(Agent, Protocol):
    """An agent that knows how much memory an episode takes, so that not too many are played side by side."""

    def bytes_per_episode(self, capacity: int) -> int:
        """Return the size of the agent's state of one episode, in bytes."""


def capacity(steps: int) -> int:
    """Return the smallest power of two that is at least ``steps``.

    Agents receive this bound instead of the exact number of steps, as the size of a memory could reveal the
    length of the episode. The head of a circular memory of exactly that length, for example, returns to
    the first slot just when the end marker is due.

    Example:
        >>> capacity(41), capacity(64), capacity(65)
        (64, 64, 128)

    Raises:
        TypeError: If ``steps`` is not an integer.
        ValueError: If ``steps`` is less than 1.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    return 1 << (index(steps) - 1).bit_length()
