"""The base class of binary addition and binary multiplication.

Shape letters: B episodes, W bits.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.formal.integers import binary, lengths, positive, words_for
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import Tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers

OPERATOR = 2
"""The class of the token between the operands."""
END = 2
"""The class of the end symbol."""


@dataclass(frozen=True, kw_only=True)
class BinaryOperation(Language):
    """A task with two operands in binary, and the result of an operation on them.

    All numbers are little-endian: the lowest bit comes first. The first operand has from 1 to L - 2 bits, the
    second one has the others. Operands are uniform from 1 to the largest number of that many bits, so their
    last bits may be zeros. The last bit of the result is a one. The result ends with an end symbol, and so
    does the episode. The number of steps therefore depends on the key.
    """

    keyed_steps: ClassVar[bool] = True
    output = "bit"
    classes = "01e"

    @staticmethod
    @abstractmethod
    def operation(one: Any, other: Any) -> Any:
        """Return the result for two integers, or elementwise for two arrays of them."""

    @property
    def constant_output(self) -> NDArray[Any]:
        """A one: every result has a one as its last bit."""
        return np.ones(1, self.answers.dtype)

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least three tokens: two operands of one bit, and the operator."""
        return {"length": (3, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L``: the tokens, a result of at most L - 1 bits, and the end symbol."""
        return 2 * sizes["length"]

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw the number of bits of the first operand by word 0, and then the operands."""
        length, rows = sizes["length"], np.arange(len(keys))
        bits = 1 + keyed.below(keyed.words(keys, keyed.DATA, 1)[:, 0], length - 2)
        one = positive(keys, bits, start=1)
        other = positive(keys, length - 1 - bits, start=1 + words_for(bits))
        # In binary, the tokens are one integer, with a zero in place of the operator.
        shown = binary(one | (other << (bits + 1).astype(object)), int(length.max(initial=0)))
        shown[bits, rows] = OPERATOR
        shown[np.arange(len(shown))[:, None] >= length] = -1
        result = self.operation(one, other)
        end = lengths(result)
        answers = binary(result, int(end.max(initial=0)) + 1)
        answers[end, rows] = END
        answers[np.arange(len(answers))[:, None] > end] = -1
        return shown, answers

    def solve(self, tokens: list[int]) -> list[int]:
        """Compute the result in integers of any size."""
        at = tokens.index(OPERATOR)
        one, other = (
            sum(bit << place for place, bit in enumerate(part)) for part in (tokens[:at], tokens[at + 1 :])
        )
        return [*map(int, reversed(f"{self.operation(one, other):b}")), END]
