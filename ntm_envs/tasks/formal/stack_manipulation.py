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
from typing import ClassVar

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import LADDER, Tokens, select, tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import TaskSpec

END = 2
"""The class of the end symbol."""
POP = 2
"""The class of the operation POP; class 0 is PUSH 0, class 1 is PUSH 1."""


@dataclass(frozen=True, kw_only=True)
class StackManipulation(Language):
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

    alphabet = ("bit 0", "bit 1", "push 0", "push 1", "pop")
    output = "top"
    classes = "01e"

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two tokens: a bit of the stack and an operation."""
        return {"length": (2, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L + 1``, which is reached if all operations push."""
        return 2 * sizes["length"] + 1

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw the tokens and run the operations.

        Word 0 of a key draws the initial height of the stack, word i + 1 draws token i.
        """
        start = 1 + keyed.below(keyed.words(keys, keyed.DATA, 1)[:, 0], sizes["length"] - 1)
        drawn = tokens(keys, sizes["length"], 6, start=1)  # modulo 2 for bits, modulo 3 for operations
        step, rows = np.arange(len(drawn) + 1)[:, None], np.arange(len(keys))
        shown = np.where(step[:-1] < start, drawn % 2, 2 + drawn % 3).astype(np.int8)
        shown[drawn < 0] = -1
        stack, height = np.zeros_like(drawn), np.zeros(len(keys), np.int64)
        for token in shown:
            pushes = (token >= 0) & (token < 2 + POP)
            stack[height[pushes], rows[pushes]] = token[pushes] % 2
            height += pushes
            height -= (token == 2 + POP) & (height > 0)
        answers = select(stack, height - 1 - step)
        answers[height, rows] = END
        return shown, answers

    def solve(self, tokens: list[int]) -> list[int]:
        """Run the operations, and return the stack from the top."""
        stack: list[int] = []
        for token in tokens:
            if token < 2 + POP:
                stack.append(token % 2)
            elif stack:
                stack.pop()
        return [*stack[::-1], END]


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
