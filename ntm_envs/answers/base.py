"""What all types of answers have in common; see :mod:`ntm_envs.answers` for the letters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Mode = Literal["answers", "probabilities"]
"""What an action is."""
Integers = NDArray[np.int64]

CLIP = 2.0**-20
"""Probabilities are clipped to ``[CLIP, 1 - CLIP]``, so that a symbol costs at most 20 bits."""


class Answers(ABC):
    """What :class:`Bits` and :class:`Symbols` have in common.

    Attributes:
        sizes: The number of classes of each symbol, ``(k_1, .., k_O)``.
        width: The number of symbols O of an answer.
        logits: The number of logits L that a model outputs for an answer.
        dtype: The dtype of targets ``[..., O]``.
        names: The names of the classes of each symbol, for pictures.
        uniform_cost: The cost in bits of an answer that is guessed uniformly: the sum of log2(k_j).
    """

    sizes: tuple[int, ...]
    width: int
    logits: int
    dtype: np.dtype[Any]
    names: tuple[str, ...]
    uniform_cost: float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Answers) or type(self) is not type(other):
            return False
        return (self.sizes, self.names) == (other.sizes, other.names)

    def __hash__(self) -> int:
        return hash((type(self), self.sizes, self.names))

    def space(self, mode: Mode) -> spaces.Space[Any]:
        """Return the space of an action.

        Raises:
            ValueError: If the mode is unknown.
        """
        if mode == "answers":
            return self._space()
        if mode == "probabilities":
            return spaces.Box(0, 1, (self.logits,), np.float32)
        raise ValueError(f"actions is {mode!r}; expected {' or '.join(map(repr, get_args(Mode)))}")

    def check_probabilities(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[Any]:
        """Return an action of probabilities ``[*batch, L]`` as an array.

        Raises:
            ValueError: If the shape is another, a value is not from 0 to 1, or those of a symbol do not sum
                to 1 within 1e-4.
        """
        array = real(action, [(*batch, self.logits)])
        valid = (array >= 0) & (array <= 1)
        if not valid.all():
            raise ValueError(f"the action has {array[~valid][0]}; expected probabilities from 0 to 1")
        self._check_sums(array)
        return array

    @abstractmethod
    def check(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[Any]:
        """Return an action of answers as targets are: an array ``[*batch, O]`` of this dtype.

        Args:
            action: Integers, or real numbers that are integers (Stable-Baselines3 sends float32 for bits).
                One symbol may come without its axis, as Gymnasium's Discrete has it.
            batch: The shape in front.

        Raises:
            ValueError: If the shape is another, or a value is no class.
        """

    @abstractmethod
    def encode(self, action: Any) -> bytes:
        """Return an action of one environment as bytes, as ``check(action).tobytes()`` does, but fast."""

    @abstractmethod
    def grade_bytes(self, answer: bytes, target: bytes) -> tuple[int, float]:
        """Return the wrong symbols and the credit of one answer, as :meth:`grade` does."""

    @abstractmethod
    def read(self, actions: Any, rows: int) -> NDArray[Any]:
        """Return checked actions of B environments packed, as ``pack(check(actions, (B,)))``, but fast."""

    @abstractmethod
    def pack(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Return answers ``[..., O]`` in the form ``[..., W]`` in which grading is fast."""

    @abstractmethod
    def unpack(self, packed: NDArray[Any]) -> NDArray[Any]:
        """Return the answers ``[..., O]`` of what :meth:`pack` has made."""

    @abstractmethod
    def grade(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
        """Compare packed answers with packed targets ``[..., W]``.

        Returns:
            The number of wrong symbols ``[...]`` and the credit ``[...]``: the sum over symbols of 1 for a
            right one and -1 / (k_j - 1) for a wrong one, so that uniform guesses earn 0 on average.
        """

    @abstractmethod
    def decode(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable answers ``[..., O]`` of probabilities ``[..., L]``."""

    @abstractmethod
    def likelihood(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probability ``[..., O]`` that each symbol of the targets is given."""

    def worth(self, answer_steps: Any) -> Any:
        """Return the credit of so many perfect answers; a reward is the share of it that a step earns.

        Args:
            answer_steps: Number of answer steps of an episode; an int or an integer array.
        """
        return self.width * answer_steps

    def mean_return(self, wrong: int, symbols: int) -> float | None:
        """Return the mean return of episodes with equally many answers, of which so many symbols are wrong.

        None if that does not follow, because symbols differ in their number of classes.
        """
        if len(set(self.sizes)) > 1:
            return None
        return 1 - wrong / symbols * (1 + 1 / (self.sizes[0] - 1))

    def cost_in_bits(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return the negative log2-likelihood ``[...]`` of targets ``[..., O]``, summed over symbols.

        Each symbol costs from 0 to 20 bits.
        """
        likelihood = np.clip(self.likelihood(probabilities, targets), CLIP, 1 - CLIP)
        cost: NDArray[np.float64] = -np.log2(likelihood).sum(axis=-1)
        return cost

    def uniform(self, random: np.random.Generator, count: int) -> NDArray[Any]:
        """Return uniform random answers ``[count, O]``."""
        return random.integers(self.sizes, size=(count, self.width), dtype=self.dtype)

    @property
    @abstractmethod
    def guess(self) -> NDArray[np.float64]:
        """The probabilities ``[L]`` of a uniform guess."""

    @abstractmethod
    def _space(self) -> spaces.Space[Any]:
        """Return the space of an answer."""

    @abstractmethod
    def _check_sums(self, probabilities: NDArray[Any]) -> None:
        """Refuse probabilities of symbols that do not sum to 1."""


def real(action: Any, shapes: Sequence[tuple[int, ...]]) -> NDArray[Any]:
    """Return an action as an array of real numbers with one of these shapes.

    Raises:
        ValueError: If it has another shape, or is of another type.
    """
    array = np.asarray(action)
    if array.shape not in shapes:
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"the action has the shape {array.shape}; expected {expected}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"the action is of type {array.dtype}; expected real numbers")
    return array
