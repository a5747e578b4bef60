"""BucketSort: sort a string of tokens from an alphabet of five.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Bucket Sort of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs and
targets. Its channel of an empty output token is ``answer`` here. PrioritySort sorts vectors by real numbers.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import LADDER, TRAINING, Tokens, tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class BucketSort(Language):
    """The agent observes ``length`` L random tokens, each from 0 to 4, then outputs them in ascending order.

    Timing, for the tokens 3 0 3 1::

        step     0  1  2  3  4  5  6  7
        token    3  0  3  1  .  .  .  .
        answer   .  .  .  .  1  1  1  1
        target   .  .  .  .  0  1  3  3

    Example:
        >>> batch = BucketSort().episodes([5], length=4)
        >>> batch.inputs[:4, 0].argmax(1).tolist()
        [0, 4, 4, 0]
        >>> batch.targets[4:, 0, 0].tolist()
        [0, 0, 4, 4]
    """

    alphabet = ("0", "1", "2", "3", "4")
    output = "token"
    classes = "01234"

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L``: the tokens, and the tokens in ascending order."""
        return 2 * sizes["length"]

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw tokens, and sort them."""
        shown = tokens(keys, sizes["length"], len(self.alphabet))
        # As an unsigned integer, -1 is the largest.
        return shown, np.sort(shown.view(np.uint8), axis=0).view(np.int8)

    def solve(self, tokens: list[int]) -> list[int]:
        """Sort the tokens."""
        return sorted(tokens)


ROW = TaskSpec(
    name="bucket_sort",
    env_id="ntm_envs/BucketSort-v0",
    suite="formal",
    order=37,
    task=BucketSort,
    summary="sort tokens of five classes",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="951421ec6336643e",
)
