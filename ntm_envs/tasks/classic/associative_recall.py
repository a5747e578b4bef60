"""AssociativeRecall: given one item of a list, output its neighbour.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 4.3.

Other definitions: vlgiitr/ntm-pytorch has the same channels and steps, but leaves queries ambiguous whose
item is in the list twice, as does MarkPKCollier/NeuralTuringMachine. In the latter no delimiter precedes an
item, and a vector of seven ones, across all channels, stands before and after the query. Multi-query
associative recall (arXiv 2312.04927) is another task: pairs of a key and a value, and a value to output for
each query.

Versions: v0, the first.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.tasks.base import Batch, channel_names, check_fraction, check_integer
from ntm_envs.tasks.bits import WIDEST, BitTask, Vectors, unpack, words_for
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder


@dataclass(frozen=True, kw_only=True)
class AssociativeRecall(BitTask):
    """The agent observes a list and a query, one item of the list, then outputs the item after it.

    The list has ``items`` K items of three random vectors each.

    Timing, for K = 2, items abc and def, and a query of the first item::

        step             0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
        data             .  a  b  c  .  d  e  f  .  a  b  c  .  .  .  .
        item delimiter   1  .  .  .  1  .  .  .  .  .  .  .  .  .  .  .
        query delimiter  .  .  .  .  .  .  .  .  1  .  .  .  1  .  .  .
        target           .  .  .  .  .  .  .  .  .  .  .  .  .  d  e  f

    The query is never ambiguous: items that happen to equal the queried one are drawn again until they
    differ from it.

    Example:
        >>> batch = AssociativeRecall(bits=1, item_length=1).episodes([5], items=2)
        >>> batch.inputs[:, 0].astype(int).tolist()
        [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
        >>> batch.targets[-1, 0].tolist()
        [0]
    """

    bits: int = 6
    """Number of bits per vector, from 1 to 65536."""
    item_length: int = 3
    """Number of vectors per item, from 1 to 65536."""
    answer: Literal["next", "previous"] = "next"
    """The neighbour of the queried item that the agent has to output."""
    cyclic: bool = False
    """If True, the list is a ring: the neighbour of the last item is the first, and every item can be
    queried."""
    near_misses: float = 0.0
    """Fraction of items that differ from the queried one in only an eighth of their bits, on average. Such
    items are rare in short lists, but common in long ones. Used in training only; evaluation always
    uses 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self, "item_length", 1, WIDEST)
        if not isinstance(self.answer, str) or self.answer not in ("next", "previous"):
            raise ValueError(f"answer is {self.answer!r}; expected 'next' or 'previous'")
        if not isinstance(self.cyclic, bool):
            raise TypeError(f"cyclic is {self.cyclic!r}; expected True or False")
        check_fraction(self, "near_misses")

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The bits of a vector, and the delimiters of items and of the query."""
        return (*channel_names("data", self.bits), "item", "query")

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two items, so that one has a neighbour."""
        return {"items": (2, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the steps of K items, of the query between its two delimiters, and of the answer."""
        return (self.item_length + 1) * (sizes["items"] + 1) + 1 + self.item_length

    def fill(self, batch: Batch) -> None:
        """Write the list, the query and, as targets, the item beside the queried one."""
        items = batch.sizes["items"]
        most, rows, stride = int(items.max(initial=0)), np.arange(len(items)), self.item_length + 1
        queried = self._queried(batch.keys, items)
        vectors = self._items(batch.keys, most, queried)  # (B, K, item_length, bits)
        present = np.arange(most)[:, None] < items  # (K, B)
        for i in range(self.item_length):
            batch.inputs[i + 1 : most * stride : stride, :, : self.bits] = (
                vectors[:, :, i].transpose(1, 0, 2) * present[:, :, None]
            )
        batch.inputs[: most * stride : stride, :, -2] = present
        query = items * stride
        batch.inputs[query, rows, -1] = 1
        batch.inputs[query + stride, rows, -1] = 1
        neighbour = (queried + (1 if self.answer == "next" else -1)) % items
        for i in range(self.item_length):
            batch.inputs[query + 1 + i, rows, : self.bits] = vectors[rows, queried, i]
            batch.targets[query + stride + 1 + i, rows] = vectors[rows, neighbour, i]
            batch.mask[query + stride + 1 + i, rows] = True

    def _queried(self, keys: keyed.Keys, items: Integers) -> Integers:
        """Return the position of the queried item ``[B]``, which word 0 of each key draws."""
        word = keyed.words(keys, keyed.DATA, 1)[:, 0]
        if self.cyclic:
            return keyed.below(word, items)
        return keyed.below(word, items - 1) + (1 if self.answer == "previous" else 0)

    def _items(self, keys: keyed.Keys, count: int, queried: Integers) -> Vectors:
        """Return items ``[B, count, item_length, bits]``, of which only the queried one equals itself."""

        def draw(keys: keyed.Keys, attempt: int) -> Vectors:
            words = keyed.words(
                keys,
                keyed.DATA,
                count * self.item_length * words_for(self.bits),
                start=1 + attempt * 2**40,  # each attempt has its own words
            )
            shape = (len(keys), count, self.item_length, self.bits)
            return unpack(words, self.bits).transpose(1, 0, 2).reshape(shape)

        items = draw(keys, 0)
        others = np.arange(count) != queried[:, None]  # (B, count)
        if self.near_misses:
            near = others & (keyed.words(keys, keyed.RARE, count) >> np.uint64(32) < self.near_misses * 2**32)
            # Three random bits are all 1 with a probability of an eighth. No attempt gets to these words.
            flips = draw(keys, 2**20) & draw(keys, 2**20 + 1) & draw(keys, 2**20 + 2)
            items[near] = (items[np.arange(len(keys)), queried][:, None] ^ flips)[near]
        for attempt in itertools.count(1):
            clash = others & (items == items[np.arange(len(keys)), queried][:, None]).all(axis=(2, 3))
            rows = np.flatnonzero(clash.any(axis=1))
            if not len(rows):
                break
            items[clash] = draw(keys[rows], attempt)[clash[rows]]
        return items

    def oracle(self) -> Agent:
        """Return an agent that looks up the query in the list."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer)

    def _answer(self, inputs: Floats) -> Floats | None:
        stride = self.item_length + 1
        if inputs[:, -1].sum() < 2:
            return None
        items = inputs[: -stride - 1, : self.bits].reshape(-1, stride, self.bits)[:, 1:]
        query = inputs[-stride:-1, : self.bits]
        queried = int(np.flatnonzero((items == query).all(axis=(1, 2)))[0])
        answer: Floats = items[(queried + (1 if self.answer == "next" else -1)) % len(items)]
        return answer


ROW = TaskSpec(
    name="associative_recall",
    env_id="ntm_envs/AssociativeRecall-v0",
    suite="classic",
    order=3,
    task=AssociativeRecall,
    summary="output the item that follows a given one in a list",
    training={"items": (2, 6)},
    ladders=ladder("items", (6, 10, 15, 20, 40, 60, 120)),
    small={"items": (2, 3)},
    digest="1a09701bc99f2b82",
)
