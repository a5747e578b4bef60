"""ComputeSqrt: compute the square root of a number in binary, rounded down.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Compute Sqrt of google-deepmind/neural_networks_chomsky_hierarchy has the same numbers and
roots. Its channel of an empty output token is ``answer`` here.

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
from ntm_envs.tasks.formal.integers import Large, binary, positive
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, LADDER, TRAINING, Tokens, select
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec

_isqrt: Any = np.frompyfunc(math.isqrt, 1, 1)


@dataclass(frozen=True, kw_only=True)
class ComputeSqrt(Language):
    """The agent observes a number in binary, then outputs its square root, rounded down.

    All numbers are big-endian: the highest bit comes first. The number has ``length`` L bits, and is uniform
    from 1 to the largest one, so its first bits may be zeros. The root has half as many bits, rounded up, of
    which the first ones may also be zeros.

    Timing, for 11, whose root is 3.3::

        step     0  1  2  3  4  5
        bit      1  0  1  1  .  .
        answer   .  .  .  .  1  1
        target   .  .  .  .  1  1

    Example:
        >>> batch = ComputeSqrt().episodes([1], length=6)
        >>> batch.inputs[:6, 0, 1].astype(int).tolist()
        [1, 0, 1, 0, 1, 1]
        >>> batch.targets[6:, 0, 0].tolist()
        [1, 1, 0]
    """

    alphabet = BITS
    output = "bit"
    classes = "01"

    @property
    def constant_output(self) -> NDArray[Any]:
        """A one: most numbers are large, and so are their roots."""
        return np.ones(1, self.answers.dtype)

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``L + (L + 1) // 2``: the bits of the number, and those of the root."""
        return sizes["length"] + _half(sizes["length"])

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw numbers, and compute their roots."""
        length = sizes["length"]
        numbers = positive(keys, length)
        return _big_endian(numbers, length), _big_endian(_isqrt(numbers), _half(length))

    def solve(self, tokens: list[int]) -> list[int]:
        """Find the bits of the root one by one, the highest first."""
        number, root = int("".join(map(str, tokens)), 2), 0
        width = (len(tokens) + 1) // 2
        for place in reversed(range(width)):
            if (root | 1 << place) ** 2 <= number:
                root |= 1 << place
        return [root >> place & 1 for place in reversed(range(width))]


def _half(length: Integers) -> Integers:
    """Return the number of bits of the roots of numbers of the given numbers of bits."""
    return (length + 1) // 2


def _big_endian(integers: Large, width: Integers) -> Tokens:
    """Return the bits of integers ``[B]``, the highest first, with -1 after ``width[b]`` of them."""
    most = int(width.max(initial=0))
    return select(binary(integers, most), width - 1 - np.arange(most)[:, None])


ROW = TaskSpec(
    name="compute_sqrt",
    env_id="ntm_envs/ComputeSqrt-v0",
    suite="formal",
    order=36,
    task=ComputeSqrt,
    summary="compute the square root of a number in binary",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="abc7fbc27b3ebd4e",
)
