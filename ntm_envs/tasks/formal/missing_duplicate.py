"""MissingDuplicate: find the hidden bit in a string that appears twice.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Missing Duplicate String of google-deepmind/neural_networks_chomsky_hierarchy has the same
strings, but takes their length: if that is odd, a padding token follows, which has a channel of its own, and
all strings of length 1 are the same.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, HALF_LADDER, Tokens, tokens, twice
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import TaskSpec, ladder

HIDDEN = 2
"""The class of the token that hides a bit."""


@dataclass(frozen=True, kw_only=True)
class MissingDuplicate(Language):
    """The agent observes ``half`` H random bits twice, one of them hidden, then outputs the hidden bit.

    The hidden bit is in the first or in the second half.

    Timing, for the bits 1 0, of which the fourth is hidden::

        step     0  1  2  3  4
        bit      1  0  1  .  .
        hidden   .  .  .  1  .
        answer   .  .  .  .  1
        target   .  .  .  .  0

    Example:
        >>> batch = MissingDuplicate().episodes([5], half=3)
        >>> [MissingDuplicate().input_channels[i] for i in batch.inputs[:, 0].argmax(1)]
        ['hidden', 'bit 1', 'bit 0', 'bit 1', 'bit 1', 'bit 0', 'answer']
        >>> batch.targets[-1, 0].tolist()
        [1]
    """

    alphabet = (*BITS, "hidden")
    output = "bit"
    classes = "01"

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least one bit."""
        return {"half": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``2 * H + 1``: the bits twice, and the request for an answer."""
        return 2 * sizes["half"] + 1

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw the place of the hidden bit from word 0 of a key, and bit i from word i + 1."""
        half, rows = sizes["half"], np.arange(len(keys))
        place = keyed.below(keyed.words(keys, keyed.DATA, 1)[:, 0], 2 * half)
        shown = twice(tokens(keys, half, 2, start=1), half)
        hidden = shown[place, rows]
        shown[place, rows] = HIDDEN
        return shown, hidden[None]

    def solve(self, tokens: list[int]) -> list[int]:
        """Look the bit up in the other half."""
        return [tokens[tokens.index(HIDDEN) - len(tokens) // 2]]


ROW = TaskSpec(
    name="missing_duplicate",
    env_id="ntm_envs/MissingDuplicate-v0",
    suite="formal",
    order=32,
    task=MissingDuplicate,
    summary="find the hidden bit in a string that appears twice",
    training={"half": (1, 20)},
    ladders=ladder("half", HALF_LADDER),
    small={"half": (1, 4)},
    digest="2eac487918b87766",
)
