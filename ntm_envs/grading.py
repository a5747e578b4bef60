"""How outputs are graded: the reward of a step, and the cost of a sequence in bits.

Shape letters: T time steps, B episodes, O output channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CLIP = 2.0**-20
"""Probabilities are clipped to ``[CLIP, 1 - CLIP]``, so that a bit costs at most 20 bits."""


def reward(wrong: Any, output_size: int, answer_steps: Any) -> Any:
    """Return the reward of an answer step with ``wrong`` wrong bits: ``(O - 2 wrong) / (O answer_steps)``.

    A perfect episode returns 1, one with every bit wrong -1, and coin flips 0 on average.

    Args:
        wrong: Number of wrong bits of the step, 0 to O; an int or an integer array.
        output_size: Number of output channels O.
        answer_steps: Number of answer steps of the episode; an int or an integer array.
    """
    return (output_size - 2 * wrong) / (output_size * answer_steps)


def to_bits(probabilities: NDArray[Any]) -> NDArray[np.int8]:
    """Return the bits that probabilities stand for: 1 where p > 0.5."""
    return (probabilities > 0.5).astype(np.int8)


def cost_in_bits(probabilities: NDArray[Any], targets: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the negative log2-likelihood of targets, summed over the last axis, in bits.

    Args:
        probabilities: The probability that each bit is 1, ``[..., O]``.
        targets: The right bits, ``[..., O]``.

    Returns:
        Costs ``[...]``, each in ``[0, 20 O]``; O where every probability is 0.5.
    """
    likelihood = np.where(targets == 1, probabilities, 1 - probabilities.astype(np.float64))
    cost: NDArray[np.float64] = -np.log2(np.clip(likelihood, CLIP, 1 - CLIP)).sum(axis=-1)
    return cost
