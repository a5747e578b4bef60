"""TapeCopy: write the symbols of a tape in order.

Source: Copy-v0 of OpenAI's Gym (Zaremba et al., *Learning Simple Algorithms from Examples*, arXiv
1511.07275).

Other definitions: In Gym an observation is an integer, and an action a tuple. A tape has one of three
lengths, at first 2 to 4, and all grow by one after ten good episodes in a row; here lengths do not depend on
earlier episodes. The time limit of Gym is one step longer, and -1 replaces the reward of that step.

Versions: v0, the first.
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
    """A tape with ``length`` L random symbols, which the agent writes in order.

    Uniform guesses return about -0.25.

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

    def output(self, tape: NDArray[np.uint8], length: Integers) -> NDArray[np.uint8]:
        """Return the tapes themselves."""
        return tape

    def oracle(self) -> Agent:
        """Return an agent that writes what it observes."""
        return CopyOracle()


class CopyOracle:
    """An agent that writes each symbol it observes and moves to the right."""

    outputs: Mode = "answers"

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Do nothing, as the agent has no state; see :meth:`ntm_envs.agent.Agent.begin`."""

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
