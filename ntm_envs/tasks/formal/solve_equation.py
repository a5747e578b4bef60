"""SolveEquation: find the unknown digit of an expression whose value is given.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Solve Equation of google-deepmind/neural_networks_chomsky_hierarchy has the same
expressions, but hides the first digit from a random token on, so that digits after long runs of other tokens
are hidden more often. It does not draw equations from its random key; those of length 1 and 2 are all zeros.
Its channel of an empty output token is ``answer`` here.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.expressions import DIGITS, MODULUS, evaluate, expressions
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import LADDER, Tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class SolveEquation(Language):
    """The agent observes an equation of ``length`` L tokens, then outputs its unknown digit.

    The left side is a random expression with one unknown digit, ``x``; the right side is its value modulo 5.
    Digits are from 0 to 4; operators are ``+`` and ``-``, so that the solution is unique. An expression of up
    to four tokens is a digit, which may have a minus sign and, around that, brackets. A longer one is two
    expressions with an operator between them, in brackets.

    Timing, for (3 - x) = 1::

        step     0  1  2  3  4  5  6  7
        token    (  3  -  x  )  =  1  .
        answer   .  .  .  .  .  .  .  1
        target   .  .  .  .  .  .  .  2

    Example:
        >>> batch = SolveEquation().episodes([2], length=11)
        >>> "".join(SolveEquation().input_channels[i] for i in batch.inputs[:11, 0].argmax(1))
        '((-0)--x)=4'
        >>> batch.targets[-1, 0].tolist()
        [4]
    """

    alphabet = (*DIGITS, "+", "-", "(", ")", "x", "=")
    output = "x"
    classes = "01234"

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least three tokens: the unknown digit, the equals sign, and the value."""
        return {"length": (3, UNBOUNDED)}

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw the index of the unknown among the digits by word 0, and then the expression."""
        end, rows = sizes["length"] - 2, np.arange(len(keys))
        left, values = expressions(keys, end, self.alphabet, start=1)
        digits = np.cumsum((left >= 0) & (left < MODULUS), axis=0)  # number of digits so far
        index = keyed.below(keyed.words(keys, keyed.DATA, 1)[:, 0], digits[-1])
        unknown = (digits > index).argmax(axis=0)
        shown = np.pad(left, ((0, 2), (0, 0)), constant_values=-1)
        solutions = shown[unknown, rows]
        shown[unknown, rows] = self.alphabet.index("x")
        shown[end, rows] = self.alphabet.index("=")
        shown[end + 1, rows] = values
        return shown, solutions[None]

    def solve(self, tokens: list[int]) -> list[int]:
        """Try all digits."""
        left, _, value = "".join(self.alphabet[token] for token in tokens).partition("=")
        return [int(x) for x in DIGITS if evaluate(left.replace("x", x)) == int(value)]


ROW = TaskSpec(
    name="solve_equation",
    env_id="ntm_envs/SolveEquation-v0",
    suite="formal",
    order=24,
    task=SolveEquation,
    summary="find the unknown digit of an equation modulo 5",
    training={"length": (3, 40)},
    ladders=LADDER,
    small={"length": (3, 8)},
    digest="296bd8384d2214a2",
)
