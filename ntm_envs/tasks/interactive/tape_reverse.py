"""TapeReverse: write the symbols of a tape in reverse order.

Source: Reverse-v0 of OpenAI's Gym (Zaremba et al., *Learning Simple Algorithms from Examples*, arXiv
1511.07275).

Other definitions: Gym's differs from this task as its Copy-v0 differs from TapeCopy. Reverse String of the
Chomsky-hierarchy suite (arXiv 2207.02098) shows a string of bits in a fixed order, and asks for the bits from
last to first.

Versions: v0, the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.tasks.interactive.tape import LADDER, LEFT, RIGHT, TRAINING, Tape
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class TapeReverse(Tape):
    """A tape with ``length`` L random symbols, whose end the agent finds to write them in reverse order.

    Uniform guesses return about 0.5, as half of them are correct.

    A perfect episode, for the symbols a b; the dot is the blank after the tape::

        step     0  1  2  3  4
        input    a  b  .  b  a
        move     >  >  <  <  <
        write    -  -  -  w  w
        symbol            b  a
        reward   0  0  0  1  1

    Example:
        >>> state = TapeReverse().begin(np.array([5]), {"length": np.array([3])})
        >>> state["tape"].tolist(), state["output"].tolist()
        ([[0, 1, 1]], [[1, 1, 0]])
    """

    base: int = 2

    def output(self, tape: NDArray[np.uint8], length: Integers) -> NDArray[np.uint8]:
        """Return the tapes in reverse order."""
        at = length[:, None] - 1 - np.arange(tape.shape[1])
        return np.where(at >= 0, np.take_along_axis(tape, np.maximum(at, 0), axis=1), 0).astype(np.uint8)

    def oracle(self) -> Agent:
        """Return an agent that moves to the end of the tape, and writes on its way back."""
        return ReverseOracle()


class ReverseOracle:
    """An agent that moves to the end of the tape, then writes each symbol it observes on the way back."""

    outputs: Mode = "answers"

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Reset the directions of all heads; see :meth:`ntm_envs.agent.Agent.begin`."""
        self._back = np.zeros(num_envs, np.bool_)

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return move, write and symbol ``[B, 3]``."""
        symbol, inside = observations.argmax(axis=1), observations[:, -1] == 0
        writes = self._back & inside
        self._back = self._back | ~inside
        move = np.where(self._back, LEFT, RIGHT)
        return np.stack([move, writes, symbol * inside], axis=1).astype(np.uint8)


ROW = TaskSpec(
    name="tape_reverse",
    env_id="ntm_envs/TapeReverse-v0",
    suite="interactive",
    order=4,
    task=TapeReverse,
    summary="write the symbols of a tape in reverse order",
    training=TRAINING,
    ladders=LADDER,
    learners=("reward",),
    small={"length": (2, 4)},
    digest="9229913c3b915257",
)
