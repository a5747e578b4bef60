"""Parity: determine whether a sequence of bits contains an odd number of ones.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Parity Check of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs and
targets. Its channel of an empty output token is ``answer`` here.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs.agent import Agent
from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.formal.tokens import LADDER, TRAINING, tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Parity(SequenceTask):
    """The agent observes ``length`` L random bits, then outputs 1 if the number of ones is odd, otherwise 0.

    Timing, for the bits 1 0 1 1::

        step     0  1  2  3  4
        bit      1  0  1  1  .
        answer   .  .  .  .  1
        target   .  .  .  .  1

    Example:
        >>> batch = Parity().episodes([5], length=4)
        >>> batch.inputs[:, 0].astype(int).tolist()
        [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
        >>> batch.targets[-1, 0].tolist()
        [0]
    """

    @property
    def input_channels(self) -> tuple[str, ...]:
        """One channel for each value of a bit, and the request for an answer."""
        return ("bit 0", "bit 1", "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The parity."""
        return ("parity",)

    @property
    def answers(self) -> Symbols:
        """One symbol: 0 for even, 1 for odd."""
        return Symbols((2,))

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one bit."""
        return {"length": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return L + 1: the bits, and the request for an answer."""
        return sizes["length"] + 1

    def fill(self, batch: Batch) -> None:
        """Write the bits, the request for an answer, and the parity."""
        length, rows = batch.sizes["length"], np.arange(len(batch.keys))
        bits = tokens(batch.keys, length, 2)  # (L, B), -1 after the end
        for value in range(2):
            batch.inputs[: len(bits), :, value] = bits == value
        batch.inputs[length, rows, -1] = 1
        batch.mask[length, rows] = True
        batch.targets[length, rows, 0] = (bits == 1).sum(axis=0) % 2

    def oracle(self) -> Agent:
        """Return an agent that counts the ones."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer, at_once=True)

    def _answer(self, inputs: Floats) -> Integers:
        return np.array([[int(inputs[:, 1].sum()) % 2]])


ROW = TaskSpec(
    name="parity",
    env_id="ntm_envs/Parity-v0",
    suite="formal",
    order=11,
    task=Parity,
    summary="tell whether the number of ones is odd",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="cc79a239eda51719",
)
