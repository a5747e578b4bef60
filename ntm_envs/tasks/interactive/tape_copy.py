"""TapeCopy: write the symbols of a tape as they come.

Source: Copy-v0 of OpenAI's Gym; see :mod:`ntm_envs.tasks.interactive.tape`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.tasks.interactive.tape import LADDER, RIGHT, TRAINING, Tape
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class TapeCopy(Tape):
    """``length`` L random symbols on a tape; write them in order.

    A perfect episode, for the symbols a b c::

        step     0  1  2
        input    a  b  c
        move     >  >  >
        write    w  w  w
        symbol   a  b  c
        reward   1  1  1

    Example:
        >>> state = TapeCopy().begin(np.array([5]), {"length": np.array([3])})
        >>> state["tape"].tolist(), state["output"].tolist()
        ([[0, 4, 4]], [[0, 4, 4]])
    """

    base: int = 5
    """Number of different symbols, at least 2 and at most 62."""

    def output(self, tape: NDArray[np.uint8], length: Integers) -> NDArray[np.uint8]:  # noqa: D102
        return tape

    def oracle(self) -> Agent:  # noqa: D102
        return Scribe()


class Scribe:
    """Writes what it sees, and moves on."""

    outputs: Mode = "answers"

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Do nothing; see :class:`ntm_envs.agent.Agent`."""

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return move, write and symbol ``[B, 3]``."""
        symbol, inside = observations.argmax(axis=1), observations[:, -1] == 0
        return np.stack([np.full(len(symbol), RIGHT), inside, symbol * inside], axis=1).astype(np.uint8)


ROW = TaskSpec(
    name="tape_copy",
    env_id="ntm_envs/TapeCopy-v0",
    suite="interactive",
    order=1,
    task=TapeCopy,
    summary="write the symbols of a tape in order",
    training=TRAINING,
    ladders=LADDER,
    learners=("reward",),
    small={"length": (2, 4)},
    digest="43b1ee05ff2abd99",
)
