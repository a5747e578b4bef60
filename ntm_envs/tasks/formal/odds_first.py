"""OddsFirst: output the bits at odd places of a string, and then those at even places.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Odds First of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs, but
its targets begin with the bits at *even* places, counted from 1; the paper and its documentation say what
this task does.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, LADDER, TRAINING, Tokens, select, tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class OddsFirst(Language):
    """The agent observes ``length`` L random bits, then outputs the first, third, .., then second, fourth, ..

    Timing, for the bits a b c d e::

        step     0  1  2  3  4  5  6  7  8  9
        bit      a  b  c  d  e  .  .  .  .  .
        answer   .  .  .  .  .  1  1  1  1  1
        target   .  .  .  .  .  a  c  e  b  d

    Example:
        >>> batch = OddsFirst().episodes([5], length=5)
        >>> batch.inputs[:5, 0, 1].astype(int).tolist()
        [0, 1, 1, 0, 1]
        >>> batch.targets[5:, 0, 0].tolist()
        [0, 1, 1, 1, 0]
    """

    alphabet = BITS
    output = "bit"
    classes = "01"

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L``: the bits, and the bits in another order."""
        return 2 * sizes["length"]

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw bits, and order them."""
        length = sizes["length"]
        bits, odd = tokens(keys, length, 2), (length + 1) // 2  # number of bits at odd places
        step = np.arange(len(bits))[:, None]
        at = np.where(step < odd, 2 * step, 2 * (step - odd) + 1)
        return bits, select(bits, np.where(step < length, at, -1))

    def solve(self, tokens: list[int]) -> list[int]:
        """Order the bits."""
        return tokens[::2] + tokens[1::2]


ROW = TaskSpec(
    name="odds_first",
    env_id="ntm_envs/OddsFirst-v0",
    suite="formal",
    order=33,
    task=OddsFirst,
    summary="output the bits at odd places, then those at even places",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="00b59426ede6c561",
)
