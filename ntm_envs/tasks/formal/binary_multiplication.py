"""BinaryMultiplication: multiply two numbers in binary.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Binary Multiplication of google-deepmind/neural_networks_chomsky_hierarchy has the same
tokens and the same distribution of operands. Its outputs all have L steps: zeros, which its accuracy ignores,
follow the end symbol, with which the episode ends here. It also has strings of length 1 and 2, a number
without an operator, whose product does not depend on it.

Versions: v0, the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ntm_envs.tasks.formal.binary_operation import BinaryOperation
from ntm_envs.tasks.formal.tokens import BITS, LADDER
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class BinaryMultiplication(BinaryOperation):
    """The agent observes two numbers in binary, in ``length`` L tokens, then outputs their product.

    Timing, for 2 * 3 = 6::

        step     0  1  2  3  4  5  6  7  8
        bit      0  1  .  1  1  .  .  .  .
        *        .  .  1  .  .  .  .  .  .
        answer   .  .  .  .  .  1  1  1  1
        target   .  .  .  .  .  0  1  1  e

    Example:
        >>> batch = BinaryMultiplication().episodes([8], length=7)
        >>> [BinaryMultiplication().input_channels[i] for i in batch.inputs[:7, 0].argmax(1)]
        ['bit 1', 'bit 0', 'bit 1', '*', 'bit 0', 'bit 1', 'bit 1']
        >>> batch.targets[7:, 0, 0].tolist()
        [0, 1, 1, 1, 1, 2]
    """

    alphabet = (*BITS, "*")

    @staticmethod
    def operation(one: Any, other: Any) -> Any:
        """Return the product."""
        return one * other


ROW = TaskSpec(
    name="binary_multiplication",
    env_id="ntm_envs/BinaryMultiplication-v0",
    suite="formal",
    order=35,
    task=BinaryMultiplication,
    summary="multiply two numbers in binary",
    training={"length": (3, 40)},
    ladders=LADDER,
    small={"length": (3, 7)},
    digest="2c9f23ae40a8edbd",
)
