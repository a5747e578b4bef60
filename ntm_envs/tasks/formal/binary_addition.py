"""BinaryAddition: add two numbers in binary.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Binary Addition of google-deepmind/neural_networks_chomsky_hierarchy has the same tokens
and the same distribution of operands. Its outputs all have L + 1 steps: zeros, which its accuracy ignores,
follow the end symbol, with which the episode ends here. It also has strings of length 1 and 2, a number
without an operator, whose sum is the number itself.

Versions: v0, the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ntm_envs.tasks.formal.binary_operation import BinaryOperation
from ntm_envs.tasks.formal.tokens import BITS, LADDER
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class BinaryAddition(BinaryOperation):
    """The agent observes two numbers in binary, in ``length`` L tokens, then outputs their sum.

    Timing, for 2 + 3 = 5::

        step     0  1  2  3  4  5  6  7  8
        bit      0  1  .  1  1  .  .  .  .
        +        .  .  1  .  .  .  .  .  .
        answer   .  .  .  .  .  1  1  1  1
        target   .  .  .  .  .  1  0  1  e

    Example:
        >>> batch = BinaryAddition().episodes([8], length=9)
        >>> [BinaryAddition().input_channels[i] for i in batch.inputs[:9, 0].argmax(1)]
        ['bit 1', 'bit 0', 'bit 0', 'bit 1', '+', 'bit 1', 'bit 0', 'bit 1', 'bit 1']
        >>> batch.targets[9:, 0, 0].tolist()
        [0, 1, 1, 0, 1, 2]
    """

    alphabet = (*BITS, "+")

    @staticmethod
    def operation(one: Any, other: Any) -> Any:
        """Return the sum."""
        return one + other


ROW = TaskSpec(
    name="binary_addition",
    env_id="ntm_envs/BinaryAddition-v0",
    suite="formal",
    order=34,
    task=BinaryAddition,
    summary="add two numbers in binary",
    training={"length": (3, 40)},
    ladders=LADDER,
    small={"length": (3, 7)},
    digest="0516407ea8552efe",
)
