"""CycleNavigation: follow moves on a cycle of five places, then output the final place.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (arXiv 2207.02098), appendix A.

Other definitions: Cycle Navigation of google-deepmind/neural_networks_chomsky_hierarchy has the same moves
and targets. Its tokens are in the order -1, 0, +1, although its documentation names 0 first; its channel of
an empty output token is ``answer`` here.

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

PLACES = 5
MOVES = np.array([0, 1, -1])
"""The move of each token."""


@dataclass(frozen=True, kw_only=True)
class CycleNavigation(Language):
    """The agent observes ``length`` L random moves on a cycle of five places, then outputs the final place.

    A move stays at a place, or leads to the next or the previous one. The walk starts at place 0.

    Timing, for the moves -1, 0, -1, +1::

        step     0  1  2  3  4
        stay     .  1  .  .  .
        +1       .  .  .  1  .
        -1       1  .  1  .  .
        answer   .  .  .  .  1
        target   .  .  .  .  4

    Example:
        >>> batch = CycleNavigation().episodes([5], length=4)
        >>> [CycleNavigation().input_channels[i] for i in batch.inputs[:, 0].argmax(1)]
        ['stay', '-1', '-1', 'stay', 'answer']
        >>> batch.targets[-1, 0].tolist()
        [3]
    """

    alphabet = ("stay", "+1", "-1")
    output = "place"
    classes = "01234"

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Integers]:
        """Draw moves, and add them up."""
        shown = tokens(keys, sizes["length"], len(MOVES))
        moves = np.where(shown >= 0, MOVES[shown], 0)
        return shown, moves.sum(axis=0, keepdims=True) % PLACES

    def solve(self, tokens: list[int]) -> list[int]:
        """Count the moves in each direction."""
        return [(tokens.count(1) - tokens.count(2)) % PLACES]


ROW = TaskSpec(
    name="cycle_navigation",
    env_id="ntm_envs/CycleNavigation-v0",
    suite="formal",
    order=12,
    task=CycleNavigation,
    summary="follow moves on a cycle of five places",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="982779804469bf40",
)
