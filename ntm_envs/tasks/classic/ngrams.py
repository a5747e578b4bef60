"""NGrams: predict the next bit of a random source whose statistics must be learned from its past bits.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 4.4.

Other definitions: In the paper the optimal predictor needs about 133 bits for a sequence of length 200. Here
the first five bits, which nobody can predict, are not scored; for the others it needs 128.4 bits on average.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.tasks.base import Batch, channel_names, check_integer
from ntm_envs.tasks.bits import BitTask
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import TaskSpec, ladder

MOST_COUNTS = 2**24
"""Largest number of counts while episodes are generated (128 MiB). Each context of a source has two."""


@dataclass(frozen=True, kw_only=True)
class NGrams(BitTask):
    """The agent observes ``length`` L bits of a random 6-gram source, and predicts bit t + 1 after bit t.

    The next bit depends on the last five bits, the *context*. For each of the 32 contexts, every episode
    draws the probability that the next bit is 1 from Beta(1/2, 1/2). The first five bits are uniform. Only
    the L - 5 predictions with a full context are scored. There is no delimiter.

    Timing, for a context of 5 and L = 8::

        step     0  1  2  3  4  5  6  7
        data     a  b  c  d  e  f  g  h
        target   .  .  .  .  f  g  h  .

    The bits are drawn from Polya urns, which give the same distribution. If n0 zeros and n1 ones have
    followed the context so far, the next bit is 1 if and only if a random 32-bit number u satisfies
    ``u * (2 * (n0 + n1) + 2) < (2 * n1 + 1) * 2**32``. This integer arithmetic gives the same result on every
    platform. The optimal predictor outputs the same probability, ``(n1 + 1/2) / (n0 + n1 + 1)`` (paper,
    equation 10). Even it errs: for L = 200 it returns 0.54 on average.

    Example:
        >>> batch = NGrams(context=1).episodes([5], length=8)
        >>> batch.inputs[:, 0, 0].astype(int).tolist()
        [1, 0, 0, 1, 0, 0, 0, 0]
    """

    bits: int = 1
    """Number of independent sources, each with a channel of its own, from 1 to 65536."""
    context: int = 5
    """Number of bits on which the next bit depends, from 1 to 20."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer(self, "context", 1, 20)

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The current bit of each source."""
        return channel_names("data", self.bits)

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The next bit of each source."""
        return channel_names("next", self.bits)

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one bit more than a context, so that one prediction is scored."""
        return {"length": (self.context + 1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return L, as every step shows a bit."""
        return sizes["length"]

    def fill(self, batch: Batch) -> None:
        """Draw the bits from urns; the target of a step is the bit of the next."""
        length, longest = batch.sizes["length"], len(batch.mask)
        words = keyed.words(batch.keys, keyed.DATA, longest * self.bits) >> np.uint64(32)
        words = words.reshape(-1, longest, self.bits).transpose(1, 0, 2).reshape(longest, -1)
        drawn, together = np.empty(words.shape, np.int8), MOST_COUNTS >> (self.context + 1)
        for start in range(0, words.shape[1], together):
            self._draw(words[:, start : start + together], drawn[:, start : start + together])
        bits = drawn.reshape(longest, -1, self.bits)
        step = np.arange(longest)[:, None]
        batch.mask[:] = (step >= self.context - 1) & (step < length - 1)
        batch.inputs[:] = bits * (step < length)[:, :, None]
        batch.targets[:-1] = bits[1:] * batch.mask[:-1, :, None]

    def _draw(self, words: keyed.Words, drawn: NDArray[np.int8]) -> None:
        """Draw the bits ``[T, S]`` of S sources from urns, given random words ``[T, S]`` of 32 bits."""
        urns = _Urns(words.shape[1], self.context)
        for t, word in enumerate(words):
            numerator, denominator = urns.probabilities()
            drawn[t] = word * denominator < numerator << np.uint64(32)
            urns.add(drawn[t], counted=t >= self.context)

    def oracle(self) -> Agent:
        """Return the optimal predictor, which counts."""
        return Counts(self.bits, self.context)


class Counts:
    """The optimal predictor, which counts the bits that followed each context (paper, equation 10)."""

    outputs: Mode = "probabilities"

    def __init__(self, bits: int, context: int) -> None:
        self._bits = bits
        self._context = context

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Reset the counts; see :meth:`ntm_envs.agent.Agent.begin`."""
        self._urns = _Urns(num_envs * self._bits, self._context)
        self._seen = 0

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities that the next bits are 1, float32 ``[B, bits]``."""
        self._urns.add(observations.reshape(-1).astype(np.int8), counted=self._seen >= self._context)
        self._seen += 1
        numerator, denominator = self._urns.probabilities()
        return (numerator / denominator).astype(np.float32).reshape(observations.shape)


class _Urns:
    """Probabilities of a 1 after each context, by the bits that followed it so far, for several sources."""

    def __init__(self, sources: int, context: int) -> None:
        self._latest = (1 << context) - 1  # the bits that are a context
        self._first = np.arange(sources) << context  # each source's first urn
        self._now = self._first  # each source's present urn, the context behind the first one
        self._numerators = np.ones(sources << context, np.uint64)  # 2 * n1 + 1
        self._denominators = np.full(sources << context, 2, np.uint64)  # 2 * (n0 + n1 + 1)

    def probabilities(self) -> tuple[keyed.Words, keyed.Words]:
        """Return numerators and denominators of the probabilities of a 1 (paper, equation 10)."""
        return self._numerators[self._now], self._denominators[self._now]

    def add(self, bits: NDArray[np.int8], counted: bool) -> None:
        """Append one bit to every source. Bits without a full context before them are not counted."""
        if counted:
            self._numerators[self._now] += bits.astype(np.uint64) * np.uint64(2)
            self._denominators[self._now] += np.uint64(2)
        self._now = self._first + ((2 * self._now + bits) & self._latest)


ROW = TaskSpec(
    name="ngrams",
    env_id="ntm_envs/NGrams-v0",
    suite="classic",
    order=4,
    task=NGrams,
    summary="predict the bits of a random 6-gram source",
    training={"length": 200},
    ladders=ladder("length", (200, 400, 800, 2000)),
    metric="cost",  # even the best predictor errs
    sequences=1000,
    small={"length": (6, 12)},
    digest="386d5e7bfea59d6b",
)
