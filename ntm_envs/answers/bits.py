"""Answers that consist of bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ntm_envs.answers.base import Answers, Integers, as_real_array


class Bits(Answers):
    """A vector of bits.

    Eight bits are packed into a 64-bit word, one byte each, so that one operation compares all eight.

    Args:
        width: Number of bits O, at least 1.

    Raises:
        ValueError: If the width is less than 1.
    """

    _BYTES = b"\0\1"
    _NOT_BITS = np.uint64(0xFEFE_FEFE_FEFE_FEFE)  # zero in each byte that is 0 or 1

    def __init__(self, width: int) -> None:
        if width < 1:
            raise ValueError(f"width is {width}; expected at least 1 bit")
        self.sizes, self.width, self.logits = (2,) * width, width, width
        self.dtype, self.names, self.uniform_cost = np.dtype(np.int8), ("01",) * width, float(width)

    def __repr__(self) -> str:
        return f"Bits({self.width})"

    def check(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[np.int8]:
        """Validate bits, which are 0 or 1, and return them as int8."""
        array = as_real_array(action, [(*batch, self.width)])
        valid = (array == 0) | (array == 1)
        if not valid.all():
            raise ValueError(
                f"the action has {array[~valid][0]}; expected 0 or 1 everywhere "
                '(actions="probabilities" permits values in between)'
            )
        return array.astype(np.int8)

    def encode(self, action: Any) -> bytes:
        """Return one byte for each bit."""
        if type(action) is np.ndarray and action.dtype == np.int8 and action.shape == (self.width,):
            code = action.tobytes()
            if not code.strip(self._BYTES):  # fast path: samples of the action space
                return code
        return self.check(action).tobytes()

    def grade_bytes(self, answer: bytes, target: bytes) -> tuple[int, float]:
        """Return the number of wrong bits, and the correct bits minus the wrong ones."""
        wrong = (int.from_bytes(answer, "little") ^ int.from_bytes(target, "little")).bit_count()
        return wrong, self.width - 2 * wrong

    def check_and_pack(self, actions: Any, rows: int) -> NDArray[np.uint64]:
        """Return packed words of valid bits; samples of the action space are checked fast."""
        if type(actions) is np.ndarray and actions.dtype == np.int8 and actions.shape == (rows, self.width):
            words = self.pack(actions)
            if not (words & self._NOT_BITS).any():  # fast path: samples of the action space
                return words
        return self.pack(self.check(actions, (rows,)))

    def pack(self, answers: NDArray[Any]) -> NDArray[np.uint64]:
        """Return 64-bit words ``[..., W]`` of eight bits each, so W is O / 8, rounded up."""
        *shape, width = answers.shape
        if width % 8 == 0:
            return np.ascontiguousarray(answers).view(np.uint64)
        padded = np.zeros((*shape, -(-width // 8) * 8), np.int8)
        padded[..., :width] = answers
        return padded.view(np.uint64)

    def unpack(self, packed: NDArray[Any]) -> NDArray[np.int8]:
        """Return the bits ``[..., O]`` of packed words."""
        return packed.view(np.int8)[..., : self.width]

    def grade(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
        """Return the numbers of wrong bits, and those of correct bits minus wrong ones, ``[...]``."""
        wrong: Integers = np.bitwise_count(answers ^ targets).sum(axis=-1, dtype=np.int64)
        return wrong, self.width - 2 * wrong

    def decode(self, probabilities: NDArray[Any]) -> NDArray[np.int8]:
        """Return 1 where the probability exceeds 1/2, otherwise 0."""
        return (probabilities > 0.5).astype(np.int8)

    def likelihood(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return p where the target is 1, and 1 - p where it is 0, float64 ``[..., O]``."""
        return np.where(targets == 1, probabilities, 1 - probabilities.astype(np.float64))

    def uniform(self, random: np.random.Generator, count: int) -> NDArray[np.int8]:
        """Return fair coin flips, int8 ``[count, O]``."""
        # A scalar bound draws other numbers than an array of equal bounds. Published results use the scalar.
        return random.integers(2, size=(count, self.width), dtype=np.int8)

    @property
    def uniform_probabilities(self) -> NDArray[np.float64]:
        """1/2 for each bit, ``[O]``."""
        return np.full(self.width, 0.5)

    def _space(self) -> spaces.Space[Any]:
        return spaces.MultiBinary(self.width)

    def _check_sums(self, probabilities: NDArray[Any]) -> None:
        pass  # the probability of class 0 is implied
