"""Random tokens, and the training ranges and ladders that several formal languages share.

Shape letters: B episodes, L tokens, A selected tokens.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import ladder

Tokens = NDArray[np.int8]
"""Classes of tokens ``[L, B]``, with -1 after the end of an episode."""

BITS = ("bit 0", "bit 1")
"""The alphabet of strings of bits."""
TRAINING = {"length": (1, 40)}
LADDER = ladder("length", (40, 60, 100, 150, 200, 300, 400, 500))
HALF_LADDER = (20, 30, 50, 75, 100, 150, 200, 250)
"""The ladder of tasks whose number of tokens is about twice their size."""


def tokens(keys: keyed.Keys, length: Integers, classes: int, start: int = 0) -> Tokens:
    """Draw random tokens for each key.

    Args:
        keys: Keys ``[B]``.
        length: Number of tokens of each episode ``[B]``.
        classes: Number of classes, at most 127.
        start: Index of the word that draws the first token.

    Returns:
        Classes of the tokens, int8 ``[L, B]``, with -1 after the end of an episode.
    """
    longest = int(length.max(initial=0))
    drawn = keyed.below(keyed.words(keys, keyed.DATA, longest, start), classes).astype(np.int8)
    drawn[np.arange(longest) >= length[:, None]] = -1
    return drawn.T


def select(tokens: Tokens, at: Integers) -> Tokens:
    """Return ``tokens[at[a, b], b]`` for all a and b, ``[A, B]``, and -1 where ``at[a, b]`` is negative."""
    selected = np.take_along_axis(tokens, np.maximum(at, 0), axis=0)
    selected[at < 0] = -1
    return selected


def twice(tokens: Tokens, length: Integers) -> Tokens:
    """Return strings ``[L, B]``, of the given lengths ``[B]``, each of them twice, ``[2 * L, B]``."""
    step = np.arange(2 * len(tokens))[:, None]
    return select(tokens, np.where(step < 2 * length, step % length, -1))
