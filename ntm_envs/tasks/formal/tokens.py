"""What the formal languages share: random tokens, the training range and the ladder.

Shape letters: B episodes, L tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import ladder

TRAINING = {"length": (1, 40)}
LADDER = ladder("length", (40, 60, 100, 150, 200, 300, 400, 500))


def tokens(keys: keyed.Keys, length: Integers, classes: int, start: int = 0) -> NDArray[np.int8]:
    """Return random tokens of each key, int8 ``[L, B]``: classes from 0, or -1 behind the end.

    Args:
        keys: Keys ``[B]``.
        length: Number of tokens of each ``[B]``.
        classes: Number of classes, at most 127.
        start: Index of the word that the first token is made of.
    """
    longest = int(length.max(initial=0))
    drawn = keyed.below(keyed.words(keys, keyed.DATA, longest, start), classes).astype(np.int8)
    drawn[np.arange(longest) >= length[:, None]] = -1
    return drawn.T
