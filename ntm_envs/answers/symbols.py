"""Answers that consist of symbols with any number of classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ntm_envs.answers.base import Answers, Integers, as_real_array
from ntm_envs.answers.bits import Bits

TOLERANCE = 1e-4
"""Largest permitted difference between 1 and the sum of the probabilities of a symbol."""
NAMES = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Default names of classes, one character each."""


class Symbols(Answers):
    """A vector of symbols; symbol j is one of ``sizes[j]`` classes.

    Args:
        sizes: Number of classes of each symbol, each from 2 to 2**31.
        names: For each symbol a string with one character per class, used by renderings. The default is
            digits, then letters.

    Raises:
        ValueError: If there is no symbol, a number of classes is out of range, or the names do not match.
    """

    def __init__(self, sizes: Sequence[int], names: Sequence[str] = ()) -> None:
        self.sizes, self.width, self.logits = tuple(sizes), len(sizes), sum(sizes)
        whole = all(isinstance(size, int | np.integer) for size in self.sizes)
        if not (self.sizes and whole and min(self.sizes) >= 2 and max(self.sizes) <= 2**31):
            raise ValueError(
                f"sizes is {self.sizes}; expected at least one symbol, each of 2 to 2**31 classes"
            )
        largest = max(self.sizes)
        self.dtype = np.dtype(np.uint8 if largest <= 2**8 else np.int16 if largest <= 2**15 else np.int32)
        self.names = tuple(names) or tuple(NAMES[:size] for size in self.sizes)
        if names and [len(name) for name in names] != list(self.sizes):
            raise ValueError(f"names is {names}; expected a letter for each class of each of {self.sizes}")
        self.uniform_cost = sum(map(math.log2, self.sizes))
        self._highs = np.array(self.sizes)
        self._starts = np.array([0, *accumulate(self.sizes)][:-1])
        # The credit that a wrong symbol loses, with the indices of the symbols that lose it. Credits are
        # always summed in this order, so a single answer and a batch give bit-identical results.
        losses = [1 + 1 / (size - 1) for size in self.sizes]
        self._groups = [
            (loss, [j for j in range(self.width) if losses[j] == loss]) for loss in sorted(set(losses))
        ]

    def __repr__(self) -> str:
        return f"Symbols({self.sizes})"

    def check(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[Any]:
        """Validate classes; those of symbol j are integers from 0 to ``sizes[j] - 1``."""
        shapes = [(*batch, self.width), batch] if self.width == 1 else [(*batch, self.width)]
        array = as_real_array(action, shapes).reshape(*batch, self.width)
        valid = (array >= 0) & (array < self._highs) & (array == np.floor(array))
        if not valid.all():
            at = tuple(np.argwhere(~valid)[0])
            where = f" as symbol {at[-1]}" if self.width > 1 else ""
            raise ValueError(
                f"the action has {array[at]}{where}; expected a class from 0 to {self.sizes[at[-1]] - 1} "
                '(actions="probabilities" takes one probability per class)'
            )
        return array.astype(self.dtype)

    def encode(self, action: Any) -> bytes:
        """Return the bytes of one answer's classes, in the dtype of targets."""
        if self.dtype == np.uint8:  # fast paths: samples of the action space
            if type(action) is np.int64 and self.width == 1 and 0 <= action < self.sizes[0]:
                return bytes((action,))
            if type(action) is np.ndarray and action.dtype == np.int64 and action.shape == (self.width,):
                values = action.tolist()
                if all(0 <= value < size for value, size in zip(values, self.sizes, strict=True)):
                    return bytes(values)
        return self.check(action).tobytes()

    def grade_bytes(self, answer: bytes, target: bytes) -> tuple[int, float]:
        """Return the number of wrong symbols and the credit of one encoded answer."""
        form = cast("Any", self.dtype.char)
        pairs = zip(memoryview(answer).cast(form), memoryview(target).cast(form), strict=True)
        missed = [symbol != expected for symbol, expected in pairs]
        credit = float(self.width)
        for loss, symbols in self._groups:
            credit -= loss * sum([missed[j] for j in symbols])
        return sum(missed), credit

    def check_and_pack(self, actions: Any, rows: int) -> NDArray[Any]:
        """Return valid answers ``[rows, O]``; samples of the action space are checked fast."""
        if type(actions) is np.ndarray and actions.dtype == np.int64 and actions.shape == (rows, self.width):
            # Viewed as unsigned, negative numbers exceed every bound.
            if (actions.view(np.uint64) < self._highs.view(np.uint64)).all():
                return actions.astype(self.dtype)
        elif type(actions) is np.ndarray and actions.shape == (rows,) and self.width == 1:
            return self.check_and_pack(actions[:, None], rows)
        return self.check(actions, (rows,))

    def pack(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Return the answers themselves, so W is O."""
        return answers

    def unpack(self, packed: NDArray[Any]) -> NDArray[Any]:
        """Return the packed answers themselves."""
        return packed

    def grade(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
        """Return the numbers of wrong symbols and the credits ``[...]``."""
        missed = answers != targets
        credit = np.full(missed.shape[:-1], float(self.width))
        for loss, symbols in self._groups:
            credit -= loss * missed[..., symbols].sum(axis=-1)
        return missed.sum(axis=-1, dtype=np.int64), credit

    def decode(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable class of each symbol, the first of several."""
        best = [part.argmax(axis=-1) for part in self._split(probabilities)]
        return np.stack(best, axis=-1).astype(self.dtype)

    def likelihood(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probabilities at the targets' places, float64 ``[..., O]``."""
        return np.take_along_axis(probabilities, self._starts + targets, axis=-1).astype(np.float64)

    @property
    def uniform_probabilities(self) -> NDArray[np.float64]:
        """``1 / k_j`` for each class of symbol j, ``[L]``."""
        return np.repeat(1 / self._highs, self._highs)

    def _split(self, probabilities: NDArray[Any]) -> list[NDArray[Any]]:
        return np.split(probabilities, self._starts[1:], axis=-1)

    def _space(self) -> spaces.Space[Any]:
        return spaces.Discrete(self.sizes[0]) if self.width == 1 else spaces.MultiDiscrete(list(self.sizes))

    def _check_sums(self, probabilities: NDArray[Any]) -> None:
        sums = np.add.reduceat(probabilities, self._starts, axis=-1, dtype=np.float64)
        if (wrong := abs(sums - 1) > TOLERANCE).any():
            at = tuple(np.argwhere(wrong)[0])
            raise ValueError(
                f"the probabilities of symbol {at[-1]} sum to {sums[at]}; expected 1 within {TOLERANCE}"
            )


def from_space(space: spaces.Space[Any]) -> Answers:
    """Return the answer type whose action space is the given one.

    Raises:
        ValueError: If the elements of the space are neither bits nor symbols.
    """
    if isinstance(space, spaces.MultiBinary) and isinstance(space.n, int | np.integer):
        return Bits(int(space.n))
    if isinstance(space, spaces.Discrete) and space.start == 0:
        return Symbols((int(space.n),))
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1 and not space.start.any():
        return Symbols(space.nvec.tolist())
    raise ValueError(
        f"the action space is {space}; expected MultiBinary(n), Discrete(n) or MultiDiscrete([n, ..]) that "
        "starts at 0"
    )
