"""Interactive tasks, whose observations depend on the actions.

An episode is a state machine. Many of them run in parallel: `begin` returns their initial states, `observe`
the observations, and `act` changes the states and returns rewards.

Shape letters: B episodes, I input channels, O symbols per answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.base import Task
from ntm_envs.tasks.sizes import Integers

State = dict[str, NDArray[Any]]
"""Arrays by name, with the episodes in dimension 0. Environments pad the other dimensions with zeros, so that
episodes of different sizes fit into one array."""


@dataclass(frozen=True, kw_only=True)
class InteractiveTask(Task):
    """A task whose observations and rewards depend on the actions."""

    @abstractmethod
    def begin(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> State:
        """Return the initial states of the episodes of the given keys and sizes ``[B]``.

        The state must depend only on the key and the sizes of each episode, as in :meth:`SequenceTask.fill`.
        """

    @abstractmethod
    def observe(self, state: State) -> NDArray[np.float32]:
        """Return the observations ``[B, I]`` of states."""

    @abstractmethod
    def act(self, state: State, answers: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Update states in place according to the answers ``[B, O]``.

        Environments may act in episodes that are over, but then ignore the results.

        Returns:
            Rewards ``[B]``, and bools ``[B]`` that are true where the episode is over. No episode is longer
            than `max_steps`.
        """

    def expert(self, state: State) -> NDArray[Any] | None:
        """Return an optimal answer ``[B, O]`` in each state, or None if the task has no expert.

        An expert knows the whole state, unlike an oracle, which sees only the observations. It can therefore
        teach a learner in the states that the learner itself has reached.
        """
        return None

    @abstractmethod
    def count_symbols(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of scored symbols ``[B]`` of episodes of the given sizes."""

    @abstractmethod
    def count_wrong(self, state: State) -> Integers:
        """Return the number of scored symbols ``[B]`` that are wrong, or missing, if episodes end now."""

    def check_state(self, state: State, start: State) -> None:
        """Check a state that comes from outside, such as a file; override this method to check values.

        Args:
            state: A state whose arrays have the shapes and dtypes of `start`.
            start: The initial state of the same episodes.

        Raises:
            ValueError: If no actions lead from `start` to `state`, as far as that is checked.
        """

    @property
    @abstractmethod
    def constant_output(self) -> NDArray[Any]:
        """The best constant answer ``[O]``: the one with the highest mean return."""

    def asks(self, state: State) -> NDArray[np.bool_]:
        """Return where the answer has an effect ``[B]``, so that it is worth learning; by default always."""
        return np.ones(len(next(iter(state.values()))), np.bool_)


def assign(state: State, rows: Integers, new: State) -> None:
    """Replace the states of some rows in place, and enlarge arrays that are too small for the new states."""
    for name, values in new.items():
        old = state[name]
        if any(wide > narrow for wide, narrow in zip(values.shape[1:], old.shape[1:], strict=True)):
            shape = tuple(np.maximum(old.shape[1:], values.shape[1:]))
            grown = np.zeros((len(old), *shape), old.dtype)
            grown[tuple(slice(size) for size in old.shape)] = old
            state[name] = old = grown
        old[rows] = 0
        inner: tuple[Any, ...] = tuple(slice(size) for size in values.shape[1:])
        old[(rows, *inner)] = values
