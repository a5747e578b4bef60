"""CopySeries: several sequences of Copy, one after the other, in one episode.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Extended Data Fig. 1: a memory that is smaller than a whole episode is enough for a machine that
frees what it has output. `dnc_figures.py` trains on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs.agent import Agent
from ntm_envs.tasks import Solver, TaskSpec, ladder
from ntm_envs.tasks.base import Batch
from ntm_envs.tasks.bits import pick
from ntm_envs.tasks.classic.copy import Copy
from ntm_envs.tasks.sizes import UNBOUNDED, Integers


@dataclass(frozen=True, kw_only=True)
class CopySeries(Copy):
    """The agent copies ``sequences`` S sequences of ``length`` L random vectors, one after the other.

    Timing, for S = 2 and L = 2::

        step        0  1  2  3  4  5  6  7  8  9
        data        a  b  .  .  .  c  d  .  .  .
        delimiter   .  .  1  .  .  .  .  1  .  .
        target      .  .  .  a  b  .  .  .  c  d
    """

    bits: int = 4
    """Number of bits per data vector."""

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one sequence of one vector."""
        return {"length": (1, UNBOUNDED), "sequences": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``S * (2 * L + 1)``."""
        return sizes["sequences"] * (2 * sizes["length"] + 1)

    def fill(self, batch: Batch) -> None:
        """Write each sequence, its delimiter, and the sequence again as targets."""
        length, count = batch.sizes["length"], batch.sizes["sequences"]
        vectors = self.vectors(batch.keys, length * count)
        step = np.arange(len(batch.mask))[:, None]
        sequence, now = np.divmod(step, 2 * length + 1)  # [T, B] each
        running = step < batch.steps
        for wanted, first, out in (
            (now < length, 0, batch.inputs),
            (now > length, length + 1, batch.targets),
        ):
            there = wanted & running
            out[..., : self.bits] = pick(vectors, np.where(there, sequence * length + now - first, 0))
            out[~there, : self.bits] = 0
        batch.mask[:] = there
        batch.inputs[..., -1] = (now == length) & running

    def oracle(self) -> Agent:
        """Return an agent that memorises the vectors since the last answer."""
        return Solver(
            self.answers,
            asks=lambda now: now[:, -1] == 1,
            answer=lambda inputs: inputs[-1 - int(inputs[:, -1].argmax()) : -1, : self.bits],
        )


ROW = TaskSpec(
    name="copy_series",
    env_id="figures/CopySeries-v0",
    task=CopySeries,
    training={"length": (1, 5), "sequences": (1, 10)},
    ladders=ladder("sequences", (10, 20, 40), length=5),
)
