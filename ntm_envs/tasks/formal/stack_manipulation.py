"""StackManipulation: apply a sequence of operations to a stack, then output the stack.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Stack Manipulation of google-deepmind/neural_networks_chomsky_hierarchy has the same
tokens, in another order, and the same distribution of stacks and operations. Its outputs all have L + 1
steps: zeros, which its accuracy ignores, follow the end symbol, with which the episode ends here. It also has
strings of length 1, a stack without operations.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent
from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.formal.tokens import LADDER, tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec

END = 2
"""The class of the end symbol."""
POP = 2
"""The class of the operation POP; class 0 is PUSH 0, class 1 is PUSH 1."""


@dataclass(frozen=True, kw_only=True)
class StackManipulation(SequenceTask):
    """The agent observes a stack of bits and operations on it, then outputs the final stack from the top.

    There are ``length`` L tokens. The first 1 to L - 1 are the stack, from the bottom up; the others are POP,
    PUSH 0 or PUSH 1. POP leaves an empty stack unchanged. The output ends with an end symbol, and so does the
    episode. The number of steps therefore depends on the key.

    Timing, for the stack 0 1 and the operations PUSH 0, POP, POP::

        step     0  1  2  3  4  5  6
        bit      0  1  .  .  .  .  .
        push     .  .  0  .  .  .  .
        pop      .  .  .  1  1  .  .
        answer   .  .  .  .  .  1  1
        target   .  .  .  .  .  0  e

    Example:
        >>> batch = StackManipulation().episodes([314], length=6)
        >>> [StackManipulation().input_channels[i] for i in batch.inputs[:, 0].argmax(1)]
        ['bit 0', 'bit 1', 'push 0', 'pop', 'push 0', 'pop', 'answer', 'answer', 'answer']
        >>> batch.targets[-3:, 0, 0].tolist()
        [1, 0, 2]
    """

    keyed_steps: ClassVar[bool] = True

    @property
    def input_channels(self) -> tuple[str, ...]:
        """One channel for each token, and the request for an answer."""
        return ("bit 0", "bit 1", "push 0", "push 1", "pop", "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The topmost symbol, which the agent takes from the stack."""
        return ("top",)

    @property
    def answers(self) -> Symbols:
        """One symbol: 0, 1 or the end symbol."""
        return Symbols((3,), names=("01e",))

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two tokens: a bit of the stack and an operation."""
        return {"length": (2, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L + 1``, which is reached if all operations push."""
        return 2 * sizes["length"] + 1  # reached if all operations push

    def count_steps(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> Integers:
        """Return L, the height of the final stack, and 1 for the end symbol."""
        return sizes["length"] + self._run(keys, sizes["length"])[2] + 1

    def fill(self, batch: Batch) -> None:
        """Write the tokens, the requests for answers, and the final stack from the top."""
        length = batch.sizes["length"]
        shown, stack, height = self._run(batch.keys, length)
        for value in range(5):
            batch.inputs[: len(shown), :, value] = shown == value
        step = np.arange(len(batch.mask))[:, None]
        batch.mask[:] = (step >= length) & (step <= length + height)
        batch.inputs[:, :, -1] = batch.mask
        below_top = step - length  # distance from the top of the stack
        at = np.clip(height - 1 - below_top, 0, len(stack) - 1)
        targets = np.where(below_top < height, np.take_along_axis(stack, at, axis=0), END)
        batch.targets[:, :, 0] = np.where(batch.mask, targets, 0)

    def oracle(self) -> Agent:
        """Return an agent that runs the operations."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer, at_once=True)

    @staticmethod
    def _run(keys: keyed.Keys, length: Integers) -> tuple[NDArray[np.int8], NDArray[np.int8], Integers]:
        """Draw the tokens and run the operations.

        Word 0 of a key draws the initial height of the stack, word i + 1 draws token i.

        Returns:
            Input channels of the tokens ``[L, B]``, -1 after the end; final stacks ``[L, B]``, from the
            bottom up; and their heights ``[B]``.
        """
        start = 1 + keyed.below(keyed.words(keys, keyed.DATA, 1)[:, 0], length - 1)
        drawn = tokens(keys, length, 6, start=1)  # modulo 2 for bits, modulo 3 for operations
        step, rows = np.arange(len(drawn))[:, None], np.arange(len(keys))
        shown = np.where(step < start, drawn % 2, 2 + drawn % 3).astype(np.int8)
        shown[drawn < 0] = -1
        stack, height = np.zeros_like(drawn), np.zeros(len(keys), np.int64)
        for token in shown:
            pushes = (token >= 0) & (token < 2 + POP)
            stack[height[pushes], rows[pushes]] = token[pushes] % 2
            height += pushes
            height -= (token == 2 + POP) & (height > 0)
        return shown, stack, height

    @staticmethod
    def _answer(inputs: Floats) -> NDArray[Any] | None:
        if inputs[:-1, -1].any():
            return None  # the answer was scheduled at its first step
        stack: list[int] = []
        for channel in inputs[:-1].argmax(axis=1):
            if channel < 2 + POP:
                stack.append(channel % 2)
            elif stack:
                stack.pop()
        return np.array([*stack[::-1], END])[:, None]


ROW = TaskSpec(
    name="stack_manipulation",
    env_id="ntm_envs/StackManipulation-v0",
    suite="formal",
    order=21,
    task=StackManipulation,
    summary="push and pop, then output the stack",
    training={"length": (2, 40)},
    ladders=LADDER,
    small={"length": (2, 6)},
    digest="bee32f7628d1408e",
)
