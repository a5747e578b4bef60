"""Copy as in Extended Data Fig. 4 of the DNC's paper: vectors of six bits, up to 100 of them.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016). `dnc_figures.py` trains on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ntm_envs.tasks import TaskSpec, ladder
from ntm_envs.tasks.classic.copy import Copy


@dataclass(frozen=True, kw_only=True)
class CopyOfSixBits(Copy):
    """Copy, with vectors of six bits."""

    bits: int = 6
    """Number of bits per data vector."""


ROW = TaskSpec(
    name="copy_of_six_bits",
    env_id="figures/CopyOfSixBits-v0",
    task=CopyOfSixBits,
    training={"length": (1, 100)},
    ladders=ladder("length", (100, 200)),
)
