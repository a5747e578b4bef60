"""Storage of the episodes of an interactive task in a vector environment.

The store has the same methods as :class:`ntm_envs.episode_store.EpisodeStore`. It generates no episodes ahead
of time, but a new state whenever an episode starts.

Shape letters: B rows, n selected rows, I input channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.episode_store import REQUESTED, Rows, check_streams
from ntm_envs.restoring import State, check_range
from ntm_envs.tasks.sizes import Integers, Size
from ntm_envs.tasks.state_machine import InteractiveTask, assign


class InteractiveStore:
    """The states of the episodes of all rows of a vector environment.

    Args:
        task: The task.
        sizes: Sizes of the episodes.
        rows: Number of rows B.
    """

    def __init__(self, task: InteractiveTask, sizes: Mapping[str, Size], rows: int) -> None:
        self._task, self._answers, self._sizes = task, task.answers, sizes
        self._streams = np.zeros(rows, np.int64)
        self._index = np.zeros(rows, np.int64)  # stream index of the next episode
        self._requests = np.zeros(rows, np.int64)  # number of episodes requested without a key
        self._episodes = {name: np.zeros(rows, np.int64) for name in ("episode_key", *task.limits)}
        self._over = np.zeros(rows, np.bool_)
        self.answer_steps = np.ones(rows, np.int64)  # rewards are not divided by the number of scored steps
        keys = np.zeros(rows, np.int64)
        self._state = task.begin(keys, task.draw_sizes(keys, task.check_sizes(sizes, rows)))

    def seed(self, rows: Integers, streams: keyed.Keys) -> None:
        """Start rows on new streams of episodes."""
        self._streams[rows] = streams
        self._index[rows] = self._requests[rows] = 0

    def advance(self, rows: Integers) -> None:
        """Start the next episodes of the given rows."""
        self._begin(rows, keyed.stream_keys(self._streams[rows], self._index[rows]), self._sizes)
        self._index[rows] += 1

    def begin_requested(self, rows: Integers, keys: keyed.Keys | None, sizes: Mapping[str, Size]) -> None:
        """Start requested episodes; see `EpisodeStore.begin_requested`."""
        drawn = keys is None
        if keys is None:
            keys = keyed.stream_keys(self._streams[rows], REQUESTED + self._requests[rows])
        self._begin(rows, keys, {**self._sizes, **sizes})
        self._requests[rows] += drawn

    def step(
        self, answers: NDArray[Any], probabilities: NDArray[Any] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Act in every row; see `EpisodeStore.step`."""
        rewards, over = self._task.act(self._state, self._answers.unpack(answers))
        self._over = over
        return rewards, over.copy()

    def observations(self) -> NDArray[np.float32]:
        """Return the observations ``[B, I]``; zeros where the episode is over."""
        observations = self._task.observe(self._state)
        observations[self._over] = 0
        return observations

    def totals(self, rows: Rows, probabilities: bool) -> dict[str, NDArray[Any]]:
        """Return ``wrong_symbols [n]`` so far; without targets there is no cost in bits."""
        return {"wrong_symbols": self._task.count_wrong(self._state)[rows]}

    def revealed(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """Return an empty dictionary, as there are no targets."""
        return {}

    def episodes(self, rows: Rows) -> dict[str, Integers]:
        """Return the keys and the sizes ``[n]`` of the current episodes."""
        return {name: values[rows] for name, values in self._episodes.items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """Return where all rows are, as arrays by name, the rows in dimension 0: what `restore` takes."""
        own = {"stream": self._streams, "next": self._index, "requests": self._requests, "over": self._over}
        inner = {f"task.{name}": values for name, values in self._state.items()}
        return {name: values.copy() for name, values in (own | self._episodes | inner).items()}

    def restore(self, state: State) -> None:
        """Go to where all rows were.

        Raises:
            ValueError: If a part has the wrong shape or is out of range; nothing is changed.
        """
        check_streams(state)
        check_range("over", state["over"], 0, state["ended"])
        start = self._task.begin(state["episode_key"], {name: state[name] for name in self._task.limits})
        inner = {name: state[f"task.{name}"] for name in start}
        for name, least in start.items():  # arrays are padded, if there were longer episodes before
            if any(size < needed for size, needed in zip(inner[name].shape, least.shape, strict=True)):
                raise ValueError(
                    f"'task.{name}' of the state has the shape {inner[name].shape}; expected at least "
                    f"{least.shape}, the size of the episodes"
                )
        unpadded = {name: inner[name][tuple(map(slice, start[name].shape))] for name in start}
        self._task.check_state(unpadded, start)
        self._streams[:], self._index[:] = state["stream"], state["next"]
        self._requests[:], self._over[:] = state["requests"], state["over"]
        for name, values in self._episodes.items():
            values[:] = state[name]
        self._state = {name: values.copy() for name, values in inner.items()}

    def _begin(self, rows: Integers, keys: keyed.Keys, sizes: Mapping[str, Size]) -> None:
        """Start the episodes of keys in the given rows."""
        drawn = self._task.draw_sizes(keys, self._task.check_sizes(sizes, len(keys)))
        assign(self._state, rows, self._task.begin(keys, drawn))
        self._over[rows] = False
        for name, values in {"episode_key": keys, **drawn}.items():
            self._episodes[name][rows] = values
