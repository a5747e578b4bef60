"""Storage of the episodes of a sequence task in a vector environment.

Generating a batch of episodes costs little more than generating one. Therefore each row owns a ring of slots,
which holds its current episode and its next ones. When a row runs out of episodes, the free slots of all rows
are filled at once. As an episode is a pure function of its key and sizes, this does not affect results.

Shape letters: B rows, n selected rows, I input channels, O symbols and L probabilities per answer, W packed
numbers per answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers.base import CLIP
from ntm_envs.restoring import State, check_range
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.sizes import Integers, Size

Rows = Integers | slice
"""Indices of selected rows ``[n]``, or a slice of them."""
LOOKAHEAD_BYTES = 32 * 2**20
"""Memory for the episodes of a store. Every row has at least its current and its next episode."""
REQUESTED = 2**62
"""Stream index of the first episode that options request without a key. The stream never gets there."""


class EpisodeStore:
    """The episodes of all rows of a vector environment, with grading and running totals.

    Args:
        task: The task.
        sizes: Sizes of the episodes.
        rows: Number of rows B.
    """

    def __init__(self, task: SequenceTask, sizes: Mapping[str, Size], rows: int) -> None:
        self._task, self._answers = task, task.answers
        self._sizes = sizes
        self._longest = task.steps(**sizes)
        self._slots = 1 + min(64, LOOKAHEAD_BYTES // (rows * self._longest * task.step_bytes))
        self._streams = np.zeros(rows, np.int64)
        self._index = np.zeros(rows, np.int64)  # stream index of the next episode to generate
        self._requests = np.zeros(rows, np.int64)  # number of episodes requested without a key
        self._slot = np.zeros(rows, np.int64)  # slot of the current episode
        self._ready = np.zeros(rows, np.int64)  # number of following slots that hold the next episodes
        self._cursor = np.zeros(rows, np.int64)  # position of the current step in the arrays of steps
        self._end = np.zeros(rows, np.int64)  # position after the last step
        self.answer_steps = np.ones(rows, np.int64)
        self._max_credit = np.ones(rows)
        self._wrong: Integers = np.zeros(rows, np.int64)
        self._cost = np.zeros(rows)
        cells = rows * self._slots
        names = ("episode_key", *task.limits)
        self._stored = {name: np.zeros(cells, np.int64) for name in names}
        self._current = {name: np.zeros(rows, np.int64) for name in names}  # those of the current episodes
        self._steps = np.zeros(cells, np.int64)
        self._scored = np.zeros(cells, np.int64)
        self._allocate(self._longest)

    def seed(self, rows: Integers, streams: keyed.Keys) -> None:
        """Start rows on new streams of episodes."""
        self._streams[rows] = streams
        self._index[rows] = self._requests[rows] = self._ready[rows] = 0

    def advance(self, rows: Integers) -> None:
        """Move the given rows to the first step of their next episodes."""
        if (self._ready[rows] == 0).any():
            self._refill(rows)
        self._slot[rows] = (self._slot[rows] + 1) % self._slots
        self._ready[rows] -= 1
        self._begin(rows)

    def begin_requested(self, rows: Integers, keys: keyed.Keys | None, sizes: Mapping[str, Size]) -> None:
        """Move the given rows to the first step of requested episodes, without advancing their streams.

        Args:
            rows: The rows ``[n]``.
            keys: Keys of the episodes ``[n]``, or None to draw new ones.
            sizes: Sizes that replace those of the environment.
        """
        drawn = keys is None
        if keys is None:
            keys = keyed.stream_keys(self._streams[rows], REQUESTED + self._requests[rows])
        self._write(rows, self._slot[rows], self._task.episodes(keys, **{**self._sizes, **sizes}))
        self._requests[rows] += drawn
        self._begin(rows)

    def step(
        self, answers: NDArray[Any], probabilities: NDArray[Any] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Grade the answers and advance every row by one step.

        Args:
            answers: Packed answers ``[B, W]``.
            probabilities: Probabilities ``[B, L]`` of the actions, for the cost in bits; None for answers.

        Returns:
            Rewards ``[B]``, and bools ``[B]`` that are true where the episode is over.
        """
        targets, mask = self._targets.take(self._cursor, axis=0), self._mask.take(self._cursor)
        wrong, credit = self._answers.grade(answers, targets)
        rewards = np.where(mask, credit / self._max_credit, 0.0)
        self._wrong += wrong * mask
        if probabilities is not None:
            cost = self._answers.cost_in_bits(probabilities, self._answers.unpack(targets))
            self._cost += np.where(mask, cost, 0.0)
        self._cursor += 1
        over: NDArray[np.bool_] = self._cursor == self._end
        return rewards, over

    def observations(self) -> NDArray[np.float32]:
        """Return the inputs ``[B, I]`` of the current steps; zeros after the last step."""
        return self._inputs.take(self._cursor, axis=0)

    def totals(self, rows: Rows, probabilities: bool) -> dict[str, NDArray[Any]]:
        """Return ``wrong_symbols [n]`` and, if actions are probabilities, ``cost_in_bits [n]`` so far."""
        totals: dict[str, NDArray[Any]] = {"wrong_symbols": self._wrong[rows]}
        return totals | ({"cost_in_bits": self._cost[rows]} if probabilities else {})

    def revealed(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """Return ``target [n, O]`` and ``mask [n]`` of the current steps; zeros after the last step."""
        at = self._cursor[rows]
        return {"target": self._answers.unpack(self._targets[at]), "mask": self._mask[at]}

    def episodes(self, rows: Rows) -> dict[str, Integers]:
        """Return the keys and the sizes ``[n]`` of the current episodes."""
        return {name: values[rows] for name, values in self._current.items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """Return where all rows are, as arrays ``[B]`` by name: what `restore` takes."""
        rows = np.arange(len(self._streams))
        return {
            "stream": self._streams.copy(),
            "next": self._index - self._ready,
            "requests": self._requests.copy(),
            "step": self._cursor - (rows * self._slots + self._slot) * (self._longest + 1),
            "wrong": self._wrong.copy(),
            "cost": self._cost.copy(),
            **self.episodes(rows),
        }

    def restore(self, state: State) -> None:
        """Go to where all rows were: their episodes are made again, and those that come next.

        Raises:
            ValueError: If a number is out of range; nothing is changed.
        """
        rows = np.arange(len(self._streams))
        check_streams(state)
        sizes = {name: state[name] for name in self._task.limits}
        batch = self._task.episodes(state["episode_key"], **sizes)
        symbols = self._answers.width * state["step"]
        check_range("step", state["step"], 0, batch.steps - ~state["ended"])
        check_range("wrong", state["wrong"], 0, symbols)
        check_range("cost", state["cost"], 0, -np.log2(CLIP) * symbols)
        self._streams[:], self._index[:] = state["stream"], state["next"]
        self._requests[:], self._ready[:] = state["requests"], 0
        self._write(rows, self._slot, batch)
        self._begin(rows)
        self._cursor += state["step"]
        self._wrong[:], self._cost[:] = state["wrong"], state["cost"]

    def _refill(self, rows: Integers) -> None:
        """Fill all free slots of all rows.

        The given rows move on, so the slots of their current episodes are free too; other rows keep theirs.
        """
        free = self._slots - 1 - self._ready
        free[rows] += 1
        row = np.repeat(np.arange(len(free)), free)
        ahead = np.arange(len(row)) - np.repeat(np.cumsum(free) - free, free)  # 0, 1, .. in each row
        slot = (self._slot[row] + 1 + self._ready[row] + ahead) % self._slots
        keys = keyed.stream_keys(self._streams[row], self._index[row] + ahead)
        self._write(row, slot, self._task.episodes(keys, **self._sizes))
        self._index += free
        self._ready += free

    def _begin(self, rows: Integers) -> None:
        """Move rows to the first step of their current slots, and reset their totals."""
        cells = rows * self._slots + self._slot[rows]
        self._cursor[rows] = cells * (self._longest + 1)
        self._end[rows] = self._cursor[rows] + self._steps[cells]
        self.answer_steps[rows] = self._scored[cells]
        self._max_credit[rows] = self._answers.max_credit(self._scored[cells])
        self._wrong[rows], self._cost[rows] = 0, 0
        for name, values in self._stored.items():
            self._current[name][rows] = values[cells]

    def _write(self, rows: Integers, slots: Integers, batch: Batch) -> None:
        """Store the episodes of a batch, one in each of the given slots of the given rows ``[n]``."""
        T, cells = len(batch.mask), rows * self._slots + slots
        if self._longest < T:
            self._grow(T)
        # A slot has room for one more step than the longest episode: the zeros after the last step.
        new: tuple[NDArray[Any], ...] = (
            batch.inputs.transpose(1, 0, 2),
            self._answers.pack(batch.targets.transpose(1, 0, 2)),
            batch.mask.T[:, :, None],
        )
        for array, values in zip(self._arrays(), new, strict=True):
            slot = array.reshape(-1, (self._longest + 1) * array.shape[1])
            self._put(slot, cells, values.reshape(len(cells), -1))
            if self._longest > T:
                slot[cells, T * array.shape[1] : (T + 1) * array.shape[1]] = 0
        self._steps[cells] = batch.steps
        self._scored[cells] = batch.mask.sum(axis=0)
        for name, values in {"episode_key": batch.keys, **batch.sizes}.items():
            self._stored[name][cells] = values

    @staticmethod
    def _put(slots: NDArray[Any], cells: Integers, values: NDArray[Any]) -> None:
        """Copy each row of ``values [n, K]``, as one opaque item, to the start of one of the slots."""
        item = f"V{values.shape[1] * values.itemsize}"
        starts: NDArray[np.void] = np.ndarray((len(slots),), item, slots, strides=slots.strides[:1])
        starts[cells] = np.ascontiguousarray(values).view(item)[:, 0]

    def _allocate(self, longest: int) -> None:
        """Allocate the arrays of steps, with room for ``longest`` steps per slot."""
        self._longest, steps = longest, len(self._steps) * (longest + 1)
        self._inputs = np.zeros((steps, self._task.input_size), np.float32)
        packed = self._answers.pack(np.zeros((1, self._answers.width), self._answers.dtype))
        self._targets = np.zeros((steps, packed.shape[1]), packed.dtype)
        self._mask = np.zeros(steps, np.bool_)

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays of steps, each ``[steps, K]`` and contiguous."""
        return self._inputs, self._targets, self._mask[:, None]

    def _grow(self, longest: int) -> None:
        """Enlarge all slots for episodes that are longer than the sizes of the environment permit."""
        old, before = self._longest, self._arrays()
        self._allocate(longest)
        for array, was in zip(self._arrays(), before, strict=True):
            cells = was.reshape(-1, old + 1, was.shape[1])
            array.reshape(-1, longest + 1, was.shape[1])[:, : old + 1] = cells
        cell, step = np.divmod(self._cursor, old + 1)
        self._cursor = cell * (longest + 1) + step
        self._end = cell * (longest + 1) + self._steps[cell]


def check_streams(state: State) -> None:
    """Check the streams of a state, and the numbers of their next episodes and of their requested ones.

    Raises:
        ValueError: If one is out of range.
    """
    check_range("stream", state["stream"], 0, 2**63 - 1)
    check_range("next", state["next"], 0, REQUESTED - 1)
    check_range("requests", state["requests"], 0, REQUESTED - 1)
