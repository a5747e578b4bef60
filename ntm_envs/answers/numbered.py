"""Answers as numbers, the actions of the form ``discrete``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers.base import Answers, as_real_array


class NumberedAnswers:
    """All answers of a type, numbered from 0 in lexicographic order: the last symbol varies fastest.

    Example:
        >>> from ntm_envs.answers import Bits
        >>> NumberedAnswers(Bits(3)).answer(6)
        array([1, 1, 0], dtype=int8)
    """

    def __init__(self, answers: Answers) -> None:
        self._count = math.prod(answers.sizes)
        symbols = np.unravel_index(np.arange(self._count), answers.sizes)
        self._table = np.stack(symbols, axis=-1).astype(answers.dtype)

    def answer(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[Any]:
        """Return the answers ``[*batch, O]`` of the given numbers ``[*batch]``.

        Raises:
            ValueError: If the shape is wrong, or a value is not the number of an answer.
        """
        array = as_real_array(action, [batch])
        valid = (array >= 0) & (array < self._count) & (array == np.floor(array))
        if not valid.all():
            raise ValueError(
                f"the action has {array[~valid][0]}; expected an integer from 0 to {self._count - 1}"
            )
        answers: NDArray[Any] = self._table[array.astype(np.int64)]
        return answers
