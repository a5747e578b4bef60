"""Copy: observe a sequence of random vectors, then output it.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 4.1.

Other definitions: loudinthecloud/pytorch-ntm has the same channels and lengths. In
MarkPKCollier/NeuralTuringMachine a vector of nine ones, across all channels, is the delimiter. Duplicate
String of the Chomsky-hierarchy suite (arXiv 2207.02098) outputs a string of bits twice. In Copy-v0 of
OpenAI's Gym the agent moves a head over a tape, which is TapeCopy here.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs.agent import Agent
from ntm_envs.tasks.base import Batch, channel_names
from ntm_envs.tasks.bits import CopyTask, place
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Solver
from ntm_envs.tasks.spec import TaskSpec, ladder


@dataclass(frozen=True, kw_only=True)
class Copy(CopyTask):
    """The agent observes ``length`` L random vectors and a delimiter, then outputs the vectors in order.

    Timing, for L = 3 and vectors a, b, c::

        step        0  1  2  3  4  5  6
        data        a  b  c  .  .  .  .
        delimiter   .  .  .  1  .  .  .
        target      .  .  .  .  a  b  c

    Example:
        >>> batch = Copy(bits=2).episodes([5], length=2)
        >>> batch.inputs[:, 0].astype(int).tolist()
        [[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
        >>> batch.targets[:, 0].tolist()
        [[0, 0], [0, 0], [0, 0], [1, 1], [1, 0]]
    """

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The bits of a vector, and the delimiter."""
        return (*channel_names("data", self.bits), "delimiter")

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one vector."""
        return {"length": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L + 1``: the vectors, the delimiter, and the vectors again."""
        return 2 * sizes["length"] + 1

    def fill(self, batch: Batch) -> None:
        """Write the vectors, the delimiter, and the vectors again as targets."""
        length = batch.sizes["length"]
        vectors = self.vectors(batch.keys, length)
        batch.inputs[: len(vectors), :, : self.bits] = vectors
        batch.inputs[length, np.arange(len(length)), -1] = 1
        place(vectors, length + 1, batch.targets)
        step = np.arange(len(batch.mask))[:, None]
        batch.mask[:] = (step > length) & (step < batch.steps)

    def oracle(self) -> Agent:
        """Return an agent that memorises the vectors."""
        return Solver(
            self.answers,
            asks=lambda now: now[:, -1] == 1,
            answer=lambda inputs: inputs[:-1, : self.bits],
        )


ROW = TaskSpec(
    name="copy",
    env_id="ntm_envs/Copy-v0",
    suite="classic",
    order=1,
    task=Copy,
    summary="repeat a sequence of random vectors",
    training={"length": (1, 20)},
    ladders=ladder("length", (20, 40, 80, 120, 200, 400, 1000)),
    small={"length": (1, 4)},
    digest="2cdd8ac030fbefee",
)
