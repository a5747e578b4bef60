"""PrioritySort: output the vectors with the highest priorities, in descending order.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 4.5.

Other definitions: vlgiitr/ntm-pytorch has no delimiter, and sorts each channel by itself, bits as well as
priorities, so that its targets are not the vectors of the input. Bucket Sort of the Chomsky-hierarchy suite
(arXiv 2207.02098) sorts symbols, without priorities.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.tasks.base import Batch, channel_names, check_integer
from ntm_envs.tasks.bits import BitTask, pick, place, unpack, words_for
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder


@dataclass(frozen=True, kw_only=True)
class PrioritySort(BitTask):
    """The agent observes ``length`` L random vectors with priorities, then outputs them in sorted order.

    Priorities are in [-1, 1). The agent outputs the 4L // 5 vectors with the highest priorities, in
    descending order. Vectors of equal priority keep their order.

    Timing, for L = 3 and vectors a, b, c with priorities p < q < r::

        step        0  1  2  3  4  5
        data        a  b  c  .  .  .
        priority    q  r  p  .  .  .
        delimiter   .  .  .  1  .  .
        target      .  .  .  .  b  a

    Example:
        >>> batch = PrioritySort(bits=2).episodes([5], length=3)
        >>> batch.inputs[:3, 0].round(2)
        array([[ 1.  ,  1.  ,  0.93,  0.  ],
               [ 1.  ,  0.  , -0.92,  0.  ],
               [ 1.  ,  1.  ,  0.73,  0.  ]], dtype=float32)
        >>> batch.targets[-2:, 0].tolist()
        [[1, 1], [1, 1]]
    """

    outputs: int | None = None
    """Number of vectors to output, at most `length`; None means four fifths of `length`, rounded down."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outputs is not None:
            check_integer(self, "outputs", 1, UNBOUNDED)

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The bits of a vector, its priority, and the delimiter."""
        return (*channel_names("data", self.bits), "priority", "delimiter")

    @property
    def input_bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """0 and 1, but -1 and 1 for the priority."""
        low, high = super().input_bounds
        low[-2] = -1
        return low, high

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two vectors, and at least as many as are output."""
        return {"length": (max(2, self.outputs or 0), UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return L + 1 and the number of vectors to output."""
        return sizes["length"] + 1 + self._outputs(sizes["length"])

    def fill(self, batch: Batch) -> None:
        """Write the vectors with their priorities, the delimiter, and the sorted vectors."""
        length = batch.sizes["length"]
        longest, width = int(length.max(initial=0)), words_for(self.bits)
        # Each vector consists of `width` words, followed by one word for its priority.
        words = keyed.words(batch.keys, keyed.DATA, longest * (width + 1))
        words = words.reshape(-1, longest, width + 1)
        present = np.arange(longest) < length[:, None]  # (B, L)
        words *= present[:, :, None]
        vectors = unpack(words[:, :, :width].reshape(len(length), -1), self.bits)
        # The top 24 bits are exact in float32.
        priorities = ((words[:, :, width] >> np.uint64(40)).astype(np.float32) * 2.0**-23 - 1) * present
        batch.inputs[:longest, :, : self.bits] = vectors
        batch.inputs[:longest, :, -2] = priorities.T
        batch.inputs[length, np.arange(len(length)), -1] = 1
        step = np.arange(len(batch.mask))[:, None]
        batch.mask[:] = (step > length) & (step < batch.steps)
        order = np.argsort(np.where(present, -priorities, 2), axis=1, kind="stable")
        place(pick(vectors, order.T)[: len(batch.mask) - longest - 1], length + 1, batch.targets)
        batch.targets[:] *= batch.mask[:, :, None]

    def _outputs(self, length: Integers) -> Integers:
        """Return the number of vectors to output ``[B]``."""
        return 4 * length // 5 if self.outputs is None else np.full_like(length, self.outputs)

    def oracle(self) -> Agent:
        """Return an agent that memorises the vectors and sorts them."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer)

    def _answer(self, inputs: Floats) -> Floats:
        order = np.argsort(-inputs[:-1, -2], kind="stable")
        return inputs[order[: int(self._outputs(np.array(len(order))))], : self.bits]


ROW = TaskSpec(
    name="priority_sort",
    env_id="ntm_envs/PrioritySort-v0",
    suite="classic",
    order=5,
    task=PrioritySort,
    summary="sort vectors by priority, and output the highest four fifths",
    training={"length": 20},
    ladders=ladder("length", (20, 25, 30, 40, 60, 100)),
    small={"length": (2, 5)},
    digest="48160297fc321cca",
)
