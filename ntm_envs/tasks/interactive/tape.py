"""The base class of tasks with a tape that a head reads, and an output to which symbols are appended.

Source: the algorithmic environments of OpenAI's Gym (Zaremba et al., *Learning Simple Algorithms from
Examples*, arXiv 1511.07275), which were removed in 2021. Unlike there, an episode is a function of its key
and its sizes, and lengths do not depend on the results of earlier episodes.

Shape letters: B episodes, L symbols on a tape.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Symbols
from ntm_envs.answers.symbols import NAMES
from ntm_envs.restoring import check_range
from ntm_envs.tasks.base import check_integer
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import ladder
from ntm_envs.tasks.state_machine import InteractiveTask, State

LEFT, RIGHT = 0, 1
TRAINING = {"length": (2, 10)}
LADDER = ladder("length", (10, 20, 40, 80))
SLACK = 4
"""Number of steps before the time limit that an agent may waste."""


@dataclass(frozen=True, kw_only=True)
class Tape(InteractiveTask):
    """A tape with ``length`` L random symbols, from which the agent computes the output.

    The agent observes the symbol under its head, or a blank outside the tape. At each step it moves the head
    to the left or to the right, and optionally writes a symbol. A correct symbol earns +1; the last one ends
    the episode. A wrong symbol earns -0.5 and ends the episode. The time limit of 2L + 4 steps ends the
    episode and subtracts 1.
    """

    base: int
    """Number of different symbols, from 2 to 62."""

    def __post_init__(self) -> None:
        check_integer(self, "base", 2, len(NAMES))

    @abstractmethod
    def output(self, tape: NDArray[np.uint8], length: Integers) -> NDArray[np.uint8]:
        """Return the target outputs ``[B, L]`` of tapes ``[B, L]``; values after the end are arbitrary."""

    @property
    def input_channels(self) -> tuple[str, ...]:
        """One channel for each symbol, and one for the blank outside the tape."""
        return (*(f"symbol {NAMES[i]}" for i in range(self.base)), "blank")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The move of the head, whether to write, and the symbol to write."""
        return ("move", "write", "symbol")

    @property
    def answers(self) -> Symbols:
        """Three symbols: left or right; 1 to write; and one of ``base`` symbols."""
        return Symbols((2, 2, self.base), names=("<>", "-w", NAMES[: self.base]))

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one symbol on the tape."""
        return {"length": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the time limit, ``2 * L + 4``."""
        return 2 * sizes["length"] + SLACK

    @property
    def constant_output(self) -> NDArray[np.uint8]:
        """Move to the right and write symbol 0."""
        return np.array([RIGHT, 1, 0], np.uint8)

    def begin(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> State:
        """Return tapes and outputs ``[B, L]``, lengths, and counters ``[B]`` that start at zero."""
        length = sizes["length"]
        longest, rows = int(length.max(initial=0)), len(keys)
        tape = keyed.below(keyed.words(keys, keyed.DATA, longest), self.base).astype(np.uint8)
        return {
            "tape": tape,
            "output": self.output(tape, length),
            "length": length,
            "head": np.zeros(rows, np.int64),
            "written": np.zeros(rows, np.int64),
            "step": np.zeros(rows, np.int64),
        }

    def observe(self, state: State) -> NDArray[np.float32]:
        """Return the symbol under the head, one-hot, ``[B, base + 1]``."""
        head, rows = state["head"], np.arange(len(state["head"]))
        inside = (head >= 0) & (head < state["length"])
        symbol = np.where(inside, state["tape"][rows, np.where(inside, head, 0)], self.base)
        observations = np.zeros((len(rows), self.base + 1), np.float32)
        observations[rows, symbol] = 1
        return observations

    def act(self, state: State, answers: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Write and move; grade what is written."""
        move, writes, symbol = answers[:, 0], answers[:, 1] == 1, answers[:, 2]
        written, length, rows = state["written"], state["length"], np.arange(len(answers))
        expected = state["output"][rows, np.minimum(written, length - 1)]
        correct = writes & (symbol == expected) & (written < length)
        state["written"] = written + correct
        state["head"] = state["head"] + np.where(move == RIGHT, 1, -1)
        state["step"] = state["step"] + 1
        rewards = np.where(correct, 1.0, np.where(writes, -0.5, 0.0))
        over = (state["written"] == length) | (writes & ~correct)
        late = ~over & (state["step"] >= self.max_steps({"length": length}))
        return rewards - late, over | late

    def check_state(self, state: State, start: State) -> None:
        """Check that tapes are those of `start`, and that counters are possible."""
        length, step = start["length"], state["step"]
        inside = np.arange(start["tape"].shape[1]) < length[:, None]  # values after the end are arbitrary
        for name, where in {"tape": inside, "output": inside, "length": True}.items():
            if ((state[name] != start[name]) & where).any():
                raise ValueError(f"{name!r} of the state is not that of its key; expected the same")
        check_range("step", step, 0, self.max_steps({"length": length}))
        check_range("written", state["written"], 0, np.minimum(step, length))
        check_range("head", abs(state["head"]), 0, step)

    def count_symbols(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return the length of the output, that of the tape."""
        return sizes["length"]

    def count_wrong(self, state: State) -> Integers:
        """Return the number of symbols that are not yet written correctly."""
        return state["length"] - state["written"]

    def return_bounds(self, sizes: Mapping[str, Integers]) -> tuple[Any, Any]:
        """Return -1, for an episode that runs out of time with nothing written, and L."""
        return np.full_like(sizes["length"], -1), sizes["length"]
