"""The base class of the formal languages: a string of tokens, and then a string of symbols as the answer.

Shape letters: B episodes, L tokens, A answers, O symbols per answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.formal.tokens import Tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver


@dataclass(frozen=True, kw_only=True)
class Language(SequenceTask):
    """A task with a string of tokens, followed by a string of symbols as the answer.

    Each token takes one step and is one-hot. After the last token, the flag ``answer`` is set at every step
    that requests an answer, and all other inputs are zero.
    """

    alphabet: ClassVar[tuple[str, ...]]
    """The names of the tokens, which are input channels."""
    output: ClassVar[str]
    """The name of the symbol that an answer consists of."""
    classes: ClassVar[str]
    """The names of the classes of that symbol, one character each."""

    @abstractmethod
    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, NDArray[Any]]:
        """Draw the tokens of episodes, and compute the answers.

        Args:
            keys: Keys ``[B]``.
            sizes: Sizes ``[B]`` by name.

        Returns:
            The classes of tokens ``[L, B]`` and of the symbols of answers, ``[A, B]`` or ``[A, B, O]``, both
            with -1 after the end of an episode.
        """

    @abstractmethod
    def solve(self, tokens: list[int]) -> list[Any]:
        """Return the A answers of one episode, each a class or a list of O classes. The oracle uses it.

        Args:
            tokens: The L classes of its tokens.
        """

    @property
    def input_channels(self) -> tuple[str, ...]:
        """One channel for each token, and the request for an answer."""
        return (*self.alphabet, "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The symbol of an answer."""
        return (self.output,)

    @property
    def answers(self) -> Symbols:
        """One symbol."""
        return Symbols((len(self.classes),), names=(self.classes,))

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one token."""
        return {"length": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return L + 1: the tokens, and the request for an answer."""
        return sizes["length"] + 1

    def count_steps(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> Integers:
        """Return the number of tokens and answers, which only some languages have to draw."""
        if not self.keyed_steps:
            return self.max_steps(sizes)
        shown, symbols = self.draw(keys, sizes)
        return _count(shown) + _count(symbols)

    def fill(self, batch: Batch) -> None:
        """Write the tokens, the requests for answers, and the answers."""
        shown, symbols = self.draw(batch.keys, batch.sizes)
        for token in range(self.input_size - 1):
            batch.inputs[: len(shown), :, token] = shown == token
        symbols = symbols.reshape(*symbols.shape[:2], -1)
        at, rows = np.nonzero(symbols[:, :, 0] >= 0)
        step = _count(shown)[rows] + at
        batch.inputs[step, rows, -1] = 1
        batch.mask[step, rows] = True
        batch.targets[step, rows] = symbols[at, rows]

    def oracle(self) -> Agent:
        """Return an agent that solves the task in plain Python."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer, at_once=True)

    def _answer(self, inputs: Floats) -> NDArray[Any]:
        return np.array(self.solve(inputs[:-1].argmax(axis=1).tolist())).reshape(-1, self.answers.width)


def _count(strings: NDArray[Any]) -> Integers:
    """Return the lengths ``[B]`` of strings ``[L, B]`` or ``[A, B, O]``, which have -1 after their ends."""
    classes = strings if strings.ndim == 2 else strings[:, :, 0]
    counts: Integers = (classes >= 0).sum(axis=0)
    return counts
