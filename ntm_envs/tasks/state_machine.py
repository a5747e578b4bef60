"""Interactive tasks: what is observed depends on the actions.

An episode is a state machine, and many run side by side: `begin` makes their states, `observe` returns what
an agent sees of them, and `act` takes its answers and returns rewards.

Shape letters: B episodes, I input channels, O symbols of an answer.
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
"""Arrays by name, the episodes in dimension 0. Zeros may be appended to any other dimension, so that episodes
of different sizes fit side by side."""


@dataclass(frozen=True, kw_only=True)
class InteractiveTask(Task):
    """A task whose episodes react to answers; see the module. Its longest episodes have `max_steps`."""

    @abstractmethod
    def begin(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> State:
        """Return the states in which the episodes of these keys and sizes ``[B]`` begin.

        They must be a function of each episode's own key and sizes, as in :meth:`SequenceTask.fill`.
        """

    @abstractmethod
    def observe(self, state: State) -> NDArray[np.float32]:
        """Return the observations ``[B, I]`` of states."""

    @abstractmethod
    def act(self, state: State, answers: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Change states in place by answers ``[B, O]``.

        States whose episodes are over may be acted in again; what comes of that is not used.

        Returns:
            The rewards ``[B]``, and which episodes are over ``[B]``: at the latest after `max_steps`.
        """

    @abstractmethod
    def count_symbols(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of scored symbols ``[B]`` of episodes of these sizes."""

    @abstractmethod
    def count_wrong(self, state: State) -> Integers:
        """Return how many of these symbols ``[B]`` an episode that is over has not got right."""

    @property
    @abstractmethod
    def constant_output(self) -> NDArray[Any]:
        """The answer ``[O]`` that, given at every step, earns the most."""


def assign(state: State, rows: Integers, new: State) -> None:
    """Write the states of some rows over what was there; arrays grow where the new ones are larger."""
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
