"""ModularArithmetic: evaluate an expression over the integers modulo 5, with the usual precedence.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Modular Arithmetic of google-deepmind/neural_networks_chomsky_hierarchy has the same
expressions and precedence, but takes a length instead of a number of operands, and silently shortens even
lengths by one. It has one more input channel, for a blank. The task with brackets of the same suite is
another one.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent
from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import Batch, SequenceTask
from ntm_envs.tasks.formal.tokens import tokens
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.solver import Floats, Solver
from ntm_envs.tasks.spec import TaskSpec, ladder

MODULUS = 5
OPERATORS = "+-*"


@dataclass(frozen=True, kw_only=True)
class ModularArithmetic(SequenceTask):
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

    @property
    def input_channels(self) -> tuple[str, ...]:
        """One channel for each digit and operator, and the request for an answer."""
        return (*map(str, range(MODULUS)), *OPERATORS, "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The value of the expression."""
        return ("value",)

    @property
    def answers(self) -> Symbols:
        """One digit, from 0 to 4."""
        return Symbols((MODULUS,))

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one operand."""
        return {"operands": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * n``: n digits, n - 1 operators, and the request for an answer."""
        return 2 * sizes["operands"]

    def fill(self, batch: Batch) -> None:
        """Write the expression, the request for an answer, and the value."""
        operands, rows = batch.sizes["operands"], np.arange(len(batch.keys))
        # Word i draws token i, a digit or an operator.
        drawn = tokens(batch.keys, 2 * operands - 1, MODULUS * len(OPERATORS))
        digits, operators = drawn[::2] % MODULUS, drawn[1::2] % len(OPERATORS)
        present = drawn >= 0
        for value in range(MODULUS):
            batch.inputs[: len(drawn) : 2, :, value] = (digits == value) & present[::2]
        for value in range(len(OPERATORS)):
            batch.inputs[1 : len(drawn) : 2, :, MODULUS + value] = (operators == value) & present[1::2]
        end = 2 * operands - 1
        batch.inputs[end, rows, -1] = 1
        batch.mask[end, rows] = True
        batch.targets[end, rows, 0] = _values(digits, operators, present[::2])

    def oracle(self) -> Agent:
        """Return an agent that evaluates the expression in integers of any size."""
        return Solver(self.answers, asks=lambda now: now[:, -1] == 1, answer=self._answer, at_once=True)

    def _answer(self, inputs: Floats) -> Integers:
        text = "".join(self.input_channels[i] for i in inputs[:-1].argmax(axis=1))
        total = sum(
            sign * int(np.prod([int(digit) for digit in term.split("*")], dtype=object))
            for sign, term in _signed(text)
        )
        return np.array([[total % MODULUS]])


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
    ladders=ladder("operands", (20, 30, 50, 75, 100, 150, 200, 250)),
    small={"operands": (1, 4)},
    digest="21d2a06af34d9e17",
)
