"""KeyValueRecall: given keys, output the values that they came with.

Source: Rae et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (arXiv
1610.09027). The several queries, and fillers among them (`gaps`), are those of the multi-query associative
recall of Arora et al., *Zoology: Measuring and Improving Recall in Efficient Language Models* (arXiv
2312.04927).

Other definitions: In Zoology, a key and its value are two tokens of a vocabulary, and a query differs from a
filler only in being a key. In its code a filler may be a key of the episode by chance, and is not scored;
here no filler is one. AssociativeRecall asks for the *next* item of a list.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.tasks.base import Batch, channel_names, check_integer
from ntm_envs.tasks.bits import BitTask, unpack, words_for
from ntm_envs.tasks.recall.permutation import permuted, shuffled
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder

WIDEST_KEY = 24
"""Largest number of bits per key."""
LARGEST_GAPS = 2**14
"""Largest number of fillers."""
# Indices of the first words of each use.
VALUES, ORDER, PLACES = (use * 2**40 for use in range(1, 4))


@dataclass(frozen=True, kw_only=True)
class KeyValueRecall(BitTask):
    """The agent observes pairs of a key and a value, then keys, and outputs the value of each at once.

    There are ``pairs`` P pairs. All keys of an episode differ; values are random bits. Then ``queries`` of
    the keys follow in random order, or all of them if there are fewer pairs, each with the flag ``answer``.
    With ``gaps``, fillers stand among the queries: keys without the flag, which no pair has.

    Timing, for P = 3, keys a, b and c with values x, y and z, and two queries::

        step     0  1  2  3  4
        key      a  b  c  c  a
        value    x  y  z  .  .
        answer   .  .  .  1  1
        target   .  .  .  z  x

    Example:
        >>> batch = KeyValueRecall(bits=1, key_bits=2, queries=2).episodes([5], pairs=3)
        >>> batch.inputs[:, 0].astype(int).tolist()  # two bits of a key, a value, and the flag
        [[0, 0, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [1, 1, 0, 1], [0, 1, 0, 1]]
        >>> batch.targets[-2:, 0].tolist()
        [[1], [1]]
    """

    bits: int = 6
    """Number of bits per value, from 1 to 65536."""
    key_bits: int = 16
    """Number of bits per key, from 1 to 24; the default is the least that 65,536 keys need."""
    queries: int = 8
    """Largest number of queries, at least 1."""
    gaps: int = 0
    """Number of fillers, at most 16384. Queries are placed among them one after the other: each takes one of
    the positions i = 1, 2, .. that are left, with a probability in proportion to ``i ** -0.99``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self, "key_bits", 1, WIDEST_KEY)
        check_integer(self, "queries", 1, 2**WIDEST_KEY)
        check_integer(self, "gaps", 0, min(LARGEST_GAPS, 2**self.key_bits - 1))

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The bits of a key and of a value, and the request for an answer."""
        return (*channel_names("key", self.key_bits), *channel_names("value", self.bits), "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The bits of a value."""
        return channel_names("value", self.bits)

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """As many pairs as there are keys, less one for each filler."""
        return {"pairs": (1, 2**self.key_bits - self.gaps)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``P + min(P, queries) + gaps``."""
        return sizes["pairs"] + self._asked(sizes["pairs"]) + self.gaps

    def fill(self, batch: Batch) -> None:
        """Write the pairs, the queries with the fillers among them, and the values as targets."""
        keys, pairs, k = batch.keys, batch.sizes["pairs"], self.key_bits
        most, asked, step = int(pairs.max(initial=0)), self._asked(pairs), np.arange(len(batch.mask))[:, None]
        # Keys and fillers are consecutive parts of a permutation of all keys, so none occurs twice.
        shown = unpack(permuted(keys, most + self.gaps, k), k)
        values = unpack(keyed.words(keys, keyed.DATA, most * words_for(self.bits), VALUES), self.bits)
        there = (step[:most] < pairs)[:, :, None]
        batch.inputs[:most, :, :k] = shown[:most] * there
        batch.inputs[:most, :, k:-1] = values * there
        rows, at = np.nonzero(np.arange(int(asked.max(initial=0))) < asked[:, None])
        queried = shuffled(keys, ORDER, np.arange(most) < pairs[:, None])[rows, at]
        now = pairs[rows] + self._places(keys, asked)[rows, at]
        batch.inputs[now, rows, :k] = shown[queried, rows]
        batch.inputs[now, rows, -1] = 1
        batch.mask[now, rows] = True
        batch.targets[now, rows] = values[queried, rows]
        if self.gaps:
            rows, now = np.nonzero(((step >= pairs) & (step < batch.steps) & ~batch.mask).T)
            filler = pairs[rows] + np.tile(np.arange(self.gaps), len(keys))
            batch.inputs[now, rows, :k] = shown[filler, rows]

    def _asked(self, pairs: Integers) -> Integers:
        """Return the number of queries."""
        return np.minimum(pairs, self.queries)

    def _places(self, keys: keyed.Keys, asked: Integers) -> Integers:
        """Return the positions of the queries after the pairs, ``[B, Q]``."""
        most, rows = int(asked.max(initial=0)), np.arange(len(keys))
        places = np.tile(np.arange(most), (len(keys), 1))
        if not self.gaps:
            return places
        words = keyed.words(keys, keyed.DATA, most, PLACES)
        weights = power_law(most + self.gaps) * (np.arange(most + self.gaps) < (asked + self.gaps)[:, None])
        for i in range(most):
            sums = weights.cumsum(axis=1)
            total = np.maximum(sums[:, -1], 1)  # all weights are 0 after the last query of an episode
            drawn = keyed.below(words[:, i], total)
            places[:, i] = (sums > drawn[:, None]).argmax(axis=1)
            weights[rows, places[:, i]] = 0
        return places

    def oracle(self) -> Agent:
        """Return an agent that looks up each key."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer, at_once=True)

    def _answer(self, inputs: Floats) -> Floats:
        k = self.key_bits
        found = (inputs[:, :k] == inputs[-1, :k]).all(axis=1).argmax()
        return inputs[found : found + 1, k:-1]


def power_law(count: int) -> Integers:
    """Return the weights of positions ``[count]``, ``2**24 * i ** -0.99`` for i = 1, 2, .., rounded.

    No weight is so near to the middle of two integers that the last bits of the power could matter.
    """
    weights: Integers = np.rint(2.0**24 * np.arange(1, count + 1) ** -0.99).astype(np.int64)
    return weights


ROW = TaskSpec(
    name="key_value_recall",
    env_id="ntm_envs/KeyValueRecall-v0",
    suite="recall",
    order=1,
    task=KeyValueRecall,
    summary="output the values of given keys",
    training={"pairs": (1, 32)},
    ladders=ladder("pairs", (32, 64, 128, 256, 512, 1024)),
    further=ladder("pairs", (4096, 16_384, 65_536)),
    small={"pairs": (1, 6)},
    digest="9efc430f96971615",
)
