"""DuplicateString: output a string of bits twice.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Duplicate String of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs
and targets. Its channel of an empty output token is ``answer`` here. RepeatCopy repeats vectors as often as
its input says, and marks the end.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, LADDER, TRAINING, Tokens, tokens, twice
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class DuplicateString(Language):
    """The agent observes ``length`` L random bits, then outputs them twice.

    Timing, for the bits 1 0::

        step     0  1  2  3  4  5
        bit      1  0  .  .  .  .
        answer   .  .  1  1  1  1
        target   .  .  1  0  1  0

    Example:
        >>> batch = DuplicateString().episodes([5], length=3)
        >>> batch.inputs[:3, 0, 1].astype(int).tolist()
        [0, 1, 1]
        >>> batch.targets[3:, 0, 0].tolist()
        [0, 1, 1, 0, 1, 1]
    """

    alphabet = BITS
    output = "bit"
    classes = "01"

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``3 * L``: the bits, and the bits twice."""
        return 3 * sizes["length"]

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Tokens]:
        """Draw bits, and repeat them."""
        length = sizes["length"]
        bits = tokens(keys, length, 2)
        return bits, twice(bits, length)

    def solve(self, tokens: list[int]) -> list[int]:
        """Repeat the bits."""
        return 2 * tokens


ROW = TaskSpec(
    name="duplicate_string",
    env_id="ntm_envs/DuplicateString-v0",
    suite="formal",
    order=31,
    task=DuplicateString,
    summary="output bits twice",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="05290527ccc67abd",
)
