"""ReverseString: output a string of bits from the last to the first.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Reverse String of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs and
targets. Its channel of an empty output token is ``answer`` here. In Reverse-v0 of OpenAI's Gym the agent
moves a head over a tape, which is TapeReverse here.

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
class ReverseString(Language):
    """The agent observes ``length`` L random bits, then outputs them from the last to the first.

    Timing, for the bits 1 0 0::

        step     0  1  2  3  4  5
        bit      1  0  0  .  .  .
        answer   .  .  .  1  1  1
        target   .  .  .  0  0  1

    Example:
        >>> batch = ReverseString().episodes([5], length=3)
        >>> batch.inputs[:3, 0, 1].astype(int).tolist()
        [0, 1, 1]
        >>> batch.targets[3:, 0, 0].tolist()
        [1, 1, 0]
    """

    alphabet = BITS
    output = "bit"
    classes = "01"

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * L``: the bits, and the bits in reverse order."""
        return 2 * sizes["length"]

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw bits, and reverse them."""
        bits = tokens(keys, sizes["length"], 2)
        return bits, select(bits, sizes["length"] - 1 - np.arange(len(bits))[:, None])

    def solve(self, tokens: list[int]) -> list[int]:
        """Reverse the bits."""
        return tokens[::-1]


ROW = TaskSpec(
    name="reverse_string",
    env_id="ntm_envs/ReverseString-v0",
    suite="formal",
    order=22,
    task=ReverseString,
    summary="output bits from the last to the first",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="cf1c279b1918c95b",
)
