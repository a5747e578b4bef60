"""ModularArithmetic: evaluate an expression over the integers modulo 5, with the usual precedence.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Modular Arithmetic of google-deepmind/neural_networks_chomsky_hierarchy has the same
expressions and precedence, but takes a length instead of a number of operands, and silently shortens even
lengths by one. It has one more input channel, for a blank. The task with brackets of the same suite is
another one.

Versions: v0, the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import HALF_LADDER, Tokens, tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import TaskSpec, ladder

MODULUS = 5
OPERATORS = "+-*"


@dataclass(frozen=True, kw_only=True)
class ModularArithmetic(Language):
    """The agent observes ``operands`` n digits with n - 1 operators between them, then outputs the value.

    Digits are from 0 to 4; operators are ``+``, ``-`` and ``*``. Multiplication comes before addition and
    subtraction. The size of an expression is its number of operands.

    Timing, for 2 + 3 * 4 = 14, which is 4 modulo 5::

        step     0  1  2  3  4  5
        token    2  +  3  *  4  .
        answer   .  .  .  .  .  1
        target   .  .  .  .  .  4

    Example:
        >>> batch = ModularArithmetic().episodes([5], operands=3)
        >>> [ModularArithmetic().input_channels[i] for i in batch.inputs[:, 0].argmax(1)]
        ['0', '*', '2', '+', '2', 'answer']
        >>> batch.targets[-1, 0].tolist()
        [2]
    """

    alphabet = (*map(str, range(MODULUS)), *OPERATORS)
    output = "value"
    classes = "01234"

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one operand."""
        return {"operands": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * n``: n digits, n - 1 operators, and the request for an answer."""
        return 2 * sizes["operands"]

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Integers]:
        """Draw digits and operators in turn, and compute the value."""
        # Word i draws token i, a digit or an operator.
        drawn = tokens(keys, 2 * sizes["operands"] - 1, MODULUS * len(OPERATORS))
        digits, operators = drawn[::2] % MODULUS, drawn[1::2] % len(OPERATORS)
        shown = np.empty_like(drawn)
        shown[::2], shown[1::2] = digits, MODULUS + operators
        shown[drawn < 0] = -1
        return shown, _values(digits, operators, drawn[::2] >= 0)[None]

    def solve(self, tokens: list[int]) -> list[int]:
        """Evaluate the expression in integers of any size."""
        text = "".join(self.alphabet[token] for token in tokens)
        total = sum(sign * math.prod(int(digit) for digit in term.split("*")) for sign, term in _signed(text))
        return [total % MODULUS]


def _signed(text: str) -> list[tuple[int, str]]:
    """Split an expression into its terms, each with its sign."""
    terms = text.replace("-", "+-").split("+")
    return [(-1, term[1:]) if term.startswith("-") else (1, term) for term in terms]


def _values(digits: NDArray[Any], operators: NDArray[Any], present: NDArray[np.bool_]) -> Integers:
    """Return the values modulo 5 of expressions, ``[B]``.

    Args:
        digits: Operands ``[n, B]``.
        operators: Indices into `OPERATORS` ``[n - 1, B]``.
        present: True for the digits of each expression, False for padding, ``[n, B]``.
    """
    total = np.zeros(digits.shape[1], np.int64)  # of the complete terms
    term = np.where(present[0], digits[0], 0).astype(np.int64)  # the current term, with its sign
    for digit, operator, exists in zip(digits[1:], operators, present[1:], strict=True):
        times = exists & (operator == 2)
        starts = exists & (operator != 2)
        total = np.where(starts, total + term, total) % MODULUS
        sign = np.where(operator == 1, -1, 1)
        term = np.where(times, term * digit, np.where(starts, sign * digit, term)) % MODULUS
    return (total + term) % MODULUS


ROW = TaskSpec(
    name="modular_arithmetic",
    env_id="ntm_envs/ModularArithmetic-v0",
    suite="formal",
    order=13,
    task=ModularArithmetic,
    summary="compute an expression modulo 5",
    training={"operands": (1, 20)},
    ladders=ladder("operands", HALF_LADDER),
    small={"operands": (1, 4)},
    digest="21d2a06af34d9e17",
)
