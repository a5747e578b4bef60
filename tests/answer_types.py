"""Answer types and random answers for tests."""

import numpy as np

from ntm_envs.answers import Answers, Bits, Symbols

BITS = [Bits(width) for width in (1, 7, 8, 9, 70)]
SYMBOLS = [Symbols(sizes) for sizes in ((2,), (5,), (2, 2, 5), (3, 300), (2**15 + 1, 2))]
ANSWERS = BITS + SYMBOLS


def drawn(answers: Answers, count: int, seed: int = 0):
    return answers.uniform(np.random.default_rng(seed), count)


def pairs(answers: Answers, count: int):
    """Return random answers and targets that agree in about half of the symbols."""
    given, targets = drawn(answers, count, 1), drawn(answers, count, 2)
    return np.where(np.random.default_rng(3).random(given.shape) < 0.5, targets, given), targets
