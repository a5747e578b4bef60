"""ModularArithmeticBrackets: evaluate an expression with brackets over the integers modulo 5.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Modular Arithmetic Brackets of google-deepmind/neural_networks_chomsky_hierarchy has the
same grammar, but multiplication only if its option `mult` is set, which is off by default. It does not draw
expressions from its random key. Its channel of an empty output token is ``answer`` here.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ntm_envs import keyed
from ntm_envs.tasks.formal.expressions import DIGITS, evaluate, expressions
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import LADDER, TRAINING, Tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class ModularArithmeticBrackets(Language):
    """The agent observes a random expression of ``length`` L tokens, then outputs its value.

    Digits are from 0 to 4; operators are ``+``, ``-`` and ``*``. An expression of up to four tokens is a
    digit, which may have a minus sign and, around that, brackets. A longer one is two expressions with an
    operator between them, in brackets.

    Timing, for (-3 * 4) = -12, which is 3 modulo 5::

        step     0  1  2  3  4  5  6
        token    (  -  3  *  4  )  .
        answer   .  .  .  .  .  .  1
        target   .  .  .  .  .  .  3

    Example:
        >>> batch = ModularArithmeticBrackets().episodes([2], length=11)
        >>> "".join(ModularArithmeticBrackets().input_channels[i] for i in batch.inputs[:11, 0].argmax(1))
        '((-3-2)--1)'
        >>> batch.targets[-1, 0].tolist()
        [1]
    """

    alphabet = (*DIGITS, "+", "-", "*", "(", ")")
    output = "value"
    classes = "01234"

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Integers]:
        """Draw expressions and their values."""
        shown, values = expressions(keys, sizes["length"], self.alphabet)
        return shown, values[None]

    def solve(self, tokens: list[int]) -> list[int]:
        """Evaluate the expression, bracket by bracket."""
        return [evaluate("".join(self.alphabet[token] for token in tokens))]


ROW = TaskSpec(
    name="modular_arithmetic_brackets",
    env_id="ntm_envs/ModularArithmeticBrackets-v0",
    suite="formal",
    order=23,
    task=ModularArithmeticBrackets,
    summary="compute an expression with brackets modulo 5",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 7)},
    digest="6f1bb5f360d18f1b",
)
