"""RepeatCopy: output a sequence of random vectors a given number of times, then an end marker.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 4.2.

Other definitions: In google-deepmind/dnc a start marker precedes the vectors, and the count alone follows
them, as R / 10; vectors have six bits by default. In loudinthecloud/pytorch-ntm the delimiter and the count
take a step each. Its count is a z-score over the training range, the same as here for 1 to 10. RepeatCopy-v0
of OpenAI's Gym has a tape of symbols, and repeats it forwards, backwards and forwards again.

Versions: v0, the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.tasks.base import Batch, channel_names
from ntm_envs.tasks.bits import CopyTask, pick
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder

# The channel of the repeat count holds its z-score over the uniform distribution on 1..10. The range of an
# environment does not affect this scale, so a trained model also reads larger counts correctly.
MEAN, DEVIATION = 5.5, math.sqrt(8.25)


@dataclass(frozen=True, kw_only=True)
class RepeatCopy(CopyTask):
    """The agent observes ``length`` L vectors and a count ``repeats`` R, then outputs the vectors R times.

    The output ends with an end marker, which has a channel of its own. As it is 0 at all other steps, zeros
    return more than uniform guesses: ``(L * R + 7) / (9 * (L * R + 1))`` on average with 8
    bits, 0.118 for L = R = 10.

    Timing, for L = 2, R = 2 and vectors a, b, where n = (R - 5.5) / sqrt(8.25)::

        step        0  1  2  3  4  5  6  7
        data        a  b  .  .  .  .  .  .
        delimiter   .  .  1  .  .  .  .  .
        count       .  .  n  .  .  .  .  .
        target      .  .  .  a  b  a  b  .
        target end  .  .  .  0  0  0  0  1

    Example:
        >>> batch = RepeatCopy(bits=2).episodes([5], length=2, repeats=2)
        >>> batch.targets[3:, 0].tolist()
        [[1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 1]]
    """

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The bits of a vector, the delimiter, and the normalised count."""
        return (*channel_names("data", self.bits), "delimiter", "count")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The bits of a vector, and the end marker."""
        return (*super().output_channels, "end")

    @property
    def input_bounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """0 and 1, but for the count the normalised bounds of ``repeats``."""
        low, high = super().input_bounds
        low[-1], high[-1] = (np.array(self.limits["repeats"]) - MEAN) / DEVIATION
        return low, high

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one vector; 1 to 10,000 repeats."""
        return {"length": (1, UNBOUNDED), "repeats": (1, 10_000)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``L + 1 + L * R + 1``: the vectors, the delimiter, the copies and the end marker."""
        length, repeats = sizes["length"], sizes["repeats"]
        return length + 1 + length * repeats + 1

    def fill(self, batch: Batch) -> None:
        """Write the vectors, the delimiter with the count, the copies and the end marker."""
        length, repeats = batch.sizes["length"], batch.sizes["repeats"]
        rows, end = np.arange(len(length)), length + 1 + length * repeats
        vectors = self.vectors(batch.keys, length)
        batch.inputs[: len(vectors), :, : self.bits] = vectors
        batch.inputs[length, rows, -2] = 1
        batch.inputs[length, rows, -1] = (repeats - MEAN) / DEVIATION
        step = np.arange(len(batch.mask))[:, None]
        batch.mask[:] = (step > length) & (step <= end)
        copying = (step > length) & (step < end)
        zeros = np.zeros((1, len(rows), self.bits), np.int8)
        source = (step - length - 1).astype(np.int32) % length.astype(np.int32)
        source = np.where(copying, source, len(vectors))  # the index of the zeros at all other steps
        batch.targets[:, :, : self.bits] = pick(np.concatenate((vectors, zeros)), source)
        batch.targets[end, rows, -1] = 1

    def oracle(self) -> Agent:
        """Return an agent that memorises the vectors and the count."""
        return Solver(self.answers, asks=lambda now: now[:, -2] == 1, answer=self._answer)

    def _answer(self, inputs: Floats) -> Floats:
        repeats = round(float(inputs[-1, -1]) * DEVIATION + MEAN)
        copies = np.pad(np.tile(inputs[:-1, : self.bits], (repeats, 1)), ((0, 1), (0, 1)))
        copies[-1, -1] = 1
        return copies


ROW = TaskSpec(
    name="repeat_copy",
    env_id="ntm_envs/RepeatCopy-v0",
    suite="classic",
    order=2,
    task=RepeatCopy,
    summary="repeat a sequence a given number of times, then output an end marker",
    training={"length": (1, 10), "repeats": (1, 10)},
    ladders={
        **ladder("length", (10, 20, 40, 80, 100), repeats=10),
        **ladder("repeats", (10, 11, 12, 15, 20, 40, 100), length=10),
    },
    small={"length": (1, 3), "repeats": (1, 3)},
    digest="695bc966f0da91ca",
)
