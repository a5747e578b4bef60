"""A memory most of whose slots are alike, with all but a few of those cut out.

At the start all slots are alike, and most still are long after. What a step does to a slot depends on its
row, its weightings, and those of its neighbours, so slots in which these are the same stay the same. Of a
run of them one can stand for many, if sums count it that often. At its ends the run stays as it is, since
each step shifts the slots beside it a few slots further in. So a cut is valid for some steps, and is then
computed again, by equality alone: the run shrinks where heads move, and grows where slots have become
like the rest. Slot 0, where heads may jump to, is never in it.

Shape letters: B sequences, N slots, C of them in a cut memory, K rows along the slots: M columns of the
memory, or H weightings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import entry, inline

MULTIPLE = 64
"""Divisor of C, so that vectorised loops leave no remainder, which they would round in other ways."""
WORTH = 0.9
"""Largest share of the slots that a cut may leave; others are not made."""


@dataclass(frozen=True)
class Cut:
    """Selection of the slots that are present.

    Attributes:
        slots: Number of slots N of the whole memory.
        rest: Slot of each sequence that also stands for those that follow it ``[B]``.
        count: Number of those.
    """

    slots: int
    rest: Array
    count: int

    @classmethod
    def none(cls, batch_size: int, slots: int) -> Cut:
        """Return the selection of all slots."""
        return cls(slots, np.zeros(batch_size, np.int64), 0)

    def best(self, memory: Array, weightings: Array, behind: int, before: int) -> Cut:
        """Return the cut that leaves the fewest slots.

        Args:
            memory: ``[B, M, C]``.
            weightings: ``[B, H, C]``.
            behind: Number of slots by which the slots before a run spread into it until the next cut.
            before: Number of slots by which those behind it do.
        """
        runs = np.empty((len(memory), 2), np.int64)
        unlike = np.empty(memory.shape[2], np.int32)
        _longest_runs(memory, weightings, self.rest, self.count, unlike, runs)
        longest = int((runs[:, 1] - runs[:, 0]).min())
        left = self.slots - (longest - behind - before - 1)
        left += -left % MULTIPLE
        if left > WORTH * self.slots:
            return replace(self, count=0)
        return replace(self, rest=runs[:, 0] + behind, count=self.slots - left)

    def change(self, to: Cut, rows: Array, room: Array | None = None) -> Array:
        """Return rows ``[B, K, C]`` of this cut as rows of another, in flat room if there is some."""
        if not (self.count or to.count):
            return rows
        shape = (*rows.shape[:2], self.slots - to.count)
        made = np.empty(shape, rows.dtype) if room is None else room[: math.prod(shape)].reshape(shape)
        _change(rows, self.rest, self.count, to.rest, to.count, made)
        return made


@entry
def _longest_runs(
    memory: Array, weightings: Array, rest: Array, count: int, unlike: Array, runs: Array
) -> None:
    """Write the first slot of the longest run of like ones, and the one behind its last, ``[B, 2]``.

    They are numbered as if nothing were cut.
    """
    slots = len(unlike)
    for b in range(len(memory)):
        for n in range(slots):
            unlike[n] = 0
        _mark(memory[b], unlike)
        _mark(weightings[b], unlike)
        first, passed, most = 1, 0, -1  # and how many slots that were cut lie before the first
        for n in range(2, slots + 1):
            if n < slots and unlike[n] == 0:
                continue
            inside = count if first <= rest[b] and rest[b] < n else 0
            if n - first + inside > most:
                most = n - first + inside
                runs[b, 0], runs[b, 1] = first + passed, n + passed + inside
            first, passed = n, passed + inside


@inline
def _mark(rows: Array, unlike: Array) -> None:
    """Mark the slots ``[C]`` that have another number in some row ``[K, C]`` than the slot before."""
    for k in range(len(rows)):
        row = rows[k]
        here, before, marks = row[1:], row[: len(row) - 1], unlike[1:]
        for n in range(len(here)):
            marks[n] |= np.int32(here[n] != before[n])


@entry
def _change(rows: Array, rest: Array, count: int, new_rest: Array, new_count: int, made: Array) -> None:
    """Compute `Cut.change`: up to five pieces of a row, of slots one behind the other or of one slot."""
    slots = made.shape[2]
    for b in range(len(rows)):
        old, new = rest[b], new_rest[b]
        for k in range(rows.shape[1]):
            row, n = rows[b, k], 0
            while n < slots:
                passed, end = (
                    (0, new + 1) if n <= new else (new_count, slots)
                )  # n + passed: if nothing were cut
                at = n + passed
                if at <= old:
                    end, start, step = min(end, old + 1 - passed), at, 1
                elif at <= old + count:
                    end, start, step = min(end, old + count + 1 - passed), old, 0
                else:
                    start, step = at - count, 1
                piece = made[b, k][n:end]
                if step:
                    source = row[start : start + len(piece)]
                    for i in range(len(piece)):
                        piece[i] = source[i]
                else:
                    value = row[start]
                    for i in range(len(piece)):
                        piece[i] = value
                n = end


@inline
def count_cut(weighting: Array, rest: int, cut: Any) -> None:
    """Normalise a weighting ``[C]`` once more, one of whose slots stands for so many more that were cut."""
    one = weighting.dtype.type(1)
    scale = one / (one + cut * weighting[rest])
    for n in range(len(weighting)):
        weighting[n] *= scale


@inline
def read_cut(memory: Array, weighting: Array, rest: int, cut: Any, out: Array) -> None:
    """Add to a read vector ``[M]`` the shares of the slots that were cut."""
    share = cut * weighting[rest]
    for m in range(len(out)):
        out[m] += share * memory[m, rest]
