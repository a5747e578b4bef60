"""Parity: determine whether a sequence of bits contains an odd number of ones.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Parity Check of google-deepmind/neural_networks_chomsky_hierarchy has the same inputs and
targets. Its channel of an empty output token is ``answer`` here.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ntm_envs import keyed
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import BITS, LADDER, TRAINING, Tokens, tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Parity(Language):
    """The agent observes ``length`` L random bits, then outputs 1 if the number of ones is odd, otherwise 0.

    Timing, for the bits 1 0 1 1::

        step     0  1  2  3  4
        bit      1  0  1  1  .
        answer   .  .  .  .  1
        target   .  .  .  .  1

    Example:
        >>> batch = Parity().episodes([5], length=4)
        >>> batch.inputs[:, 0].astype(int).tolist()
        [[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
        >>> batch.targets[-1, 0].tolist()
        [0]
    """

    alphabet = BITS
    output = "parity"
    classes = "01"

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Integers]:
        """Draw bits, and count the ones."""
        bits = tokens(keys, sizes["length"], 2)
        return bits, (bits == 1).sum(axis=0, keepdims=True) % 2

    def solve(self, tokens: list[int]) -> list[int]:
        """Return 1 if the number of ones is odd, otherwise 0."""
        return [sum(tokens) % 2]


ROW = TaskSpec(
    name="parity",
    env_id="ntm_envs/Parity-v0",
    suite="formal",
    order=11,
    task=Parity,
    summary="tell whether the number of ones is odd",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="cc79a239eda51719",
)
