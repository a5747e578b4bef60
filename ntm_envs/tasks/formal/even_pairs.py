"""EvenPairs: determine whether an odd number of neighbouring bits are unequal.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Even Pairs of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs and
targets. Its channel of an empty output token is ``answer`` here.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, LADDER, TRAINING, Tokens, tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class EvenPairs(Language):
    """The agent observes ``length`` L random bits, then outputs 1 if an odd number of neighbours are unequal.

    The number is odd if and only if the first and the last bit are unequal.

    Timing, for the bits 1 0 1 1, which has the unequal pairs 10 and 01::

        step     0  1  2  3  4
        bit      1  0  1  1  .
        answer   .  .  .  .  1
        target   .  .  .  .  0

    Example:
        >>> batch = EvenPairs().episodes([5], length=3)
        >>> batch.inputs[:, 0].astype(int).tolist()
        [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]]
        >>> batch.targets[-1, 0].tolist()
        [1]
    """

    alphabet = BITS
    output = "odd"
    classes = "01"

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw bits, and compare the first with the last."""
        bits = tokens(keys, sizes["length"], 2)
        return bits, bits[:1] ^ bits[sizes["length"] - 1, np.arange(len(keys))]

    def solve(self, tokens: list[int]) -> list[int]:
        """Count the unequal neighbours."""
        return [sum(one != other for one, other in pairwise(tokens)) % 2]


ROW = TaskSpec(
    name="even_pairs",
    env_id="ntm_envs/EvenPairs-v0",
    suite="formal",
    order=10,
    task=EvenPairs,
    summary="tell whether an odd number of neighbours are unequal",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="23ee4850be07aa2a",
)
