"""The episodes of a sequence task that a vector environment plays, and the next ones, made ahead of time.

Making a batch of episodes costs little more than making one, so each row owns a ring of slots: the
episode that it plays and the ones that come next. When a row finds no next one, all free slots of all
rows are filled at once. An episode is a pure function of its key, so nothing depends on this.

Shape letters: B rows, D slots of a row, T steps that fit into a slot, I inputs, O symbols of an answer, W
packed numbers of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.sizes import Integers, Size

LOOKAHEAD_BYTES = 32 * 2**20
"""Memory for all episodes of a store, if that leaves each row one that it plays and one that comes next."""
ASIDE = 2**62
"""Where in a stream the keys of episodes are that options ask for: they do not advance the stream."""


class EpisodeStore:
    """Holds the episodes of every row of a vector environment, grades answers, and keeps totals.

    Args:
        task: The task.
        sizes: The sizes of its episodes.
        rows: Number of rows B.
    """

    def __init__(self, task: SequenceTask, sizes: Mapping[str, Size], rows: int) -> None:
        self._task, self._answers = task, task.answers
        self._sizes = sizes
        self._longest = task.steps(**sizes)
        self._slots = 1 + min(64, LOOKAHEAD_BYTES // (rows * self._longest * task.step_bytes))
        self._streams = np.zeros(rows, np.int64)
        self._index = np.zeros(rows, np.int64)  # of the next episode of the stream to be made
        self._asides = np.zeros(rows, np.int64)  # how many episodes options have asked for
        self._slot = np.zeros(rows, np.int64)  # the slot that is played
        self._ready = np.zeros(rows, np.int64)  # how many slots after it hold the next episodes
        self._cursor = np.zeros(rows, np.int64)  # position of the present step in the arrays below
        self._end = np.zeros(rows, np.int64)  # position behind the last step
        self.answer_steps = np.ones(rows, np.int64)
        self._worth = np.ones(rows)
        self._wrong: Integers = np.zeros(rows, np.int64)
        self._cost = np.zeros(rows)
        cells = rows * self._slots
        self._keys = np.zeros(cells, np.int64)
        self._drawn = {name: np.zeros(cells, np.int64) for name in task.limits}
        self._steps = np.zeros(cells, np.int64)
        self._answered = np.zeros(cells, np.int64)
        self._allocate(self._longest)

    def seed(self, rows: Integers, streams: keyed.Keys) -> None:
        """Start rows on new streams of episodes."""
        self._streams[rows] = streams
        self._index[rows] = self._asides[rows] = self._ready[rows] = 0

    def advance(self, rows: Integers) -> None:
        """Go to the first step of the next episode of these rows."""
        if (self._ready[rows] == 0).any():
            self._refill(rows)
        self._slot[rows] = (self._slot[rows] + 1) % self._slots
        self._ready[rows] -= 1
        self._begin(rows)

    def aside(self, rows: Integers, keys: keyed.Keys | None, sizes: Mapping[str, Size]) -> None:
        """Go to the first step of episodes that are not the next ones of their streams.

        Args:
            rows: The rows ``[n]``.
            keys: Their keys ``[n]``; None for fresh ones that do not advance the streams.
            sizes: Sizes that replace those of the environment.
        """
        fresh = keys is None
        if keys is None:
            keys = keyed.stream_keys(self._streams[rows], ASIDE + self._asides[rows])
        self._write(rows, self._slot[rows], self._task.episodes(keys, **{**self._sizes, **sizes}))
        self._asides[rows] += fresh
        self._begin(rows)

    def step(
        self, answers: NDArray[Any], probabilities: NDArray[Any] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Grade packed answers ``[B, W]``, and go to the next step of every row.

        Args:
            answers: What :meth:`Answers.read` returns.
            probabilities: The probabilities ``[B, L]`` that they come from, if costs are to be counted.

        Returns:
            The rewards ``[B]``, and which episodes are over ``[B]``.
        """
        targets, mask = self._targets.take(self._cursor, axis=0), self._mask.take(self._cursor)
        wrong, credit = self._answers.grade(answers, targets)
        rewards = np.where(mask, credit / self._worth, 0.0)
        self._wrong += wrong * mask
        if probabilities is not None:
            cost = self._answers.cost_in_bits(probabilities, self._answers.unpack(targets))
            self._cost += np.where(mask, cost, 0.0)
        self._cursor += 1
        over: NDArray[np.bool_] = self._cursor == self._end
        return rewards, over

    def observations(self) -> NDArray[np.float32]:
        """Return the inputs ``[B, I]`` of the present steps; zeros at the end of an episode."""
        return self._inputs.take(self._cursor, axis=0)

    def totals(self, rows: Integers, probabilities: bool) -> dict[str, NDArray[Any]]:
        """Return what is known of whole episodes: ``wrong_symbols`` and, if counted, ``cost_in_bits``."""
        totals: dict[str, NDArray[Any]] = {"wrong_symbols": self._wrong[rows]}
        return totals | ({"cost_in_bits": self._cost[rows]} if probabilities else {})

    def revealed(self, rows: Integers) -> dict[str, NDArray[Any]]:
        """Return ``target [n, O]`` and ``mask [n]`` of the present steps; zeros at the end of an episode."""
        at = self._cursor[rows]
        return {"target": self._answers.unpack(self._targets[at]), "mask": self._mask[at]}

    def episodes(self, rows: Integers) -> dict[str, Integers]:
        """Return the key and the sizes of the episodes that these rows play."""
        cells = rows * self._slots + self._slot[rows]
        drawn = {name: size[cells] for name, size in self._drawn.items()}
        return {"episode_key": self._keys[cells], **drawn}

    def state(self) -> dict[str, NDArray[Any]]:
        """Return where all rows are, as arrays ``[B]`` by name: what `restore` takes."""
        rows = np.arange(len(self._streams))
        return {
            "stream": self._streams.copy(),
            "next": self._index - self._ready,
            "asides": self._asides.copy(),
            "step": self._cursor - (rows * self._slots + self._slot) * (self._longest + 1),
            "wrong": self._wrong.copy(),
            "cost": self._cost.copy(),
            **self.episodes(rows),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go to where all rows were: their episodes are made again, and those that come next."""
        rows = np.arange(len(self._streams))
        self._streams[:], self._index[:] = state["stream"], state["next"]
        self._asides[:], self._ready[:] = state["asides"], 0
        sizes = {name: state[name] for name in self._task.limits}
        self._write(rows, self._slot, self._task.episodes(state["episode_key"], **sizes))
        self._begin(rows)
        self._cursor += state["step"]
        self._wrong[:], self._cost[:] = state["wrong"], state["cost"]

    def _refill(self, rows: Integers) -> None:
        """Fill all free slots: those of the rows given have played theirs, the others still do."""
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
        cells = rows * self._slots + self._slot[rows]
        self._cursor[rows] = cells * (self._longest + 1)
        self._end[rows] = self._cursor[rows] + self._steps[cells]
        self.answer_steps[rows] = self._answered[cells]
        self._worth[rows] = self._answers.worth(self._answered[cells])
        self._wrong[rows], self._cost[rows] = 0, 0

    def _write(self, rows: Integers, slots: Integers, batch: Batch) -> None:
        T, cells = len(batch.mask), rows * self._slots + slots
        if self._longest < T:
            self._grow(T)
        # A slot has one step more than the longest episode, for the zeros that follow the last step.
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
        self._keys[cells] = batch.keys
        self._steps[cells] = batch.steps
        self._answered[cells] = batch.mask.sum(axis=0)
        for name, size in batch.sizes.items():
            self._drawn[name][cells] = size

    @staticmethod
    def _put(slots: NDArray[Any], cells: Integers, values: NDArray[Any]) -> None:
        """Copy rows ``values [n, K]`` to the start of the slots ``[cells]``, each as one opaque item."""
        item = f"V{values.shape[1] * values.itemsize}"
        starts: NDArray[np.void] = np.ndarray((len(slots),), item, slots, strides=slots.strides[:1])
        starts[cells] = np.ascontiguousarray(values).view(item)[:, 0]

    def _allocate(self, longest: int) -> None:
        self._longest, steps = longest, len(self._keys) * (longest + 1)
        self._inputs = np.zeros((steps, self._task.input_size), np.float32)
        packed = self._answers.pack(np.zeros((1, self._answers.width), self._answers.dtype))
        self._targets = np.zeros((steps, packed.shape[1]), packed.dtype)
        self._mask = np.zeros(steps, np.bool_)

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self._inputs, self._targets, self._mask[:, None]  # views of contiguous memory

    def _grow(self, longest: int) -> None:
        """Make room for longer episodes than the environment's own sizes allow."""
        old, before = self._longest, self._arrays()
        self._allocate(longest)
        for array, was in zip(self._arrays(), before, strict=True):
            cells = was.reshape(-1, old + 1, was.shape[1])
            array.reshape(-1, longest + 1, was.shape[1])[:, : old + 1] = cells
        cell, step = np.divmod(self._cursor, old + 1)
        self._cursor = cell * (longest + 1) + step
        self._end = cell * (longest + 1) + self._steps[cell]
