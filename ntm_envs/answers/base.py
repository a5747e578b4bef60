"""The base class of answer types; :mod:`ntm_envs.answers` defines the shape letters."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Mode = Literal["answers", "probabilities"]
"""The output of an agent: an answer, or the probabilities of its symbols."""
Actions = Literal["answers", "multidiscrete", "discrete", "probabilities"]
"""The form of the actions of an environment (:mod:`ntm_envs.answers`)."""
Integers = NDArray[np.int64]

CLIP = 2.0**-20
"""Lower bound of probabilities in costs; the upper bound is ``1 - CLIP``. A symbol costs at most 20 bits."""
MOST_NUMBERED = 2**10
"""Largest number of different answers of which actions may be the numbers."""


class Answers(ABC):
    """The base class of :class:`Bits` and :class:`Symbols`.

    Attributes:
        sizes: Number of classes of each symbol, ``(k_1, .., k_O)``.
        width: Number of symbols O per answer.
        logits: Number of logits L that a model outputs per answer.
        dtype: Dtype of targets ``[..., O]``.
        names: For each symbol, the names of its classes, one character each; used by renderings.
        uniform_cost: Cost in bits of one answer under uniform guessing, the sum of log2(k_j).
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

    def space(self, actions: Actions) -> spaces.Space[Any]:
        """Return the action space of a form of actions.

        Raises:
            ValueError: If the form is unknown, or ``discrete`` for more than 1024 different answers.
        """
        if actions == "answers":
            return self._space()
        if actions == "multidiscrete":
            return spaces.MultiDiscrete(list(self.sizes))
        if actions == "discrete":
            if (count := math.prod(self.sizes)) > MOST_NUMBERED:
                raise ValueError(
                    f"actions is 'discrete', but {self} has more than {MOST_NUMBERED} different answers; "
                    "expected 'multidiscrete', which permits any number"
                )
            return spaces.Discrete(count)
        if actions == "probabilities":
            return spaces.Box(0, 1, (self.logits,), np.float32)
        raise ValueError(f"actions is {actions!r}; expected {' or '.join(map(repr, get_args(Actions)))}")

    def check_probabilities(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[Any]:
        """Validate probabilities ``[*batch, L]`` and return them as an array.

        Raises:
            ValueError: If the shape is wrong, a value is outside [0, 1], or the probabilities of a symbol do
                not sum to 1 within 1e-4.
        """
        array = as_real_array(action, [(*batch, self.logits)])
        valid = (array >= 0) & (array <= 1)
        if not valid.all():
            raise ValueError(f"the action has {array[~valid][0]}; expected probabilities from 0 to 1")
        self._check_sums(array)
        return array

    @abstractmethod
    def check(self, action: Any, batch: tuple[int, ...] = ()) -> NDArray[Any]:
        """Validate answers and return them as an array ``[*batch, O]`` of the dtype of targets.

        Args:
            action: Classes of any real dtype with integer values (Stable-Baselines3 sends float32 for bits).
                The last axis may be missing if O is 1, as in Gymnasium's ``Discrete``.
            batch: The leading shape.

        Raises:
            ValueError: If the shape is wrong, or a value is not a class.
        """

    @abstractmethod
    def encode(self, action: Any) -> bytes:
        """Return ``check(action).tobytes()`` for one environment, computed faster."""

    @abstractmethod
    def grade_bytes(self, answer: bytes, target: bytes) -> tuple[int, float]:
        """Grade one answer as :meth:`grade` does, with both arguments encoded as by :meth:`encode`."""

    @abstractmethod
    def check_and_pack(self, actions: Any, rows: int) -> NDArray[Any]:
        """Return ``pack(check(actions, (rows,)))``, computed faster."""

    @abstractmethod
    def pack(self, answers: NDArray[Any]) -> NDArray[Any]:
        """Return answers ``[..., O]`` in a form ``[..., W]`` that :meth:`grade` compares fast."""

    @abstractmethod
    def unpack(self, packed: NDArray[Any]) -> NDArray[Any]:
        """Return the answers ``[..., O]`` from which :meth:`pack` made ``[..., W]``."""

    @abstractmethod
    def grade(self, answers: NDArray[Any], targets: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
        """Compare packed answers with packed targets ``[..., W]``.

        Returns:
            The number of wrong symbols ``[...]`` and the credit ``[...]``. A correct symbol contributes 1 to
            the credit, a wrong one -1 / (k_j - 1); the expected credit of uniform guesses is 0.
        """

    @abstractmethod
    def decode(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Return the most probable answers ``[..., O]`` given probabilities ``[..., L]``."""

    @abstractmethod
    def likelihood(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probability ``[..., O]`` assigned to each symbol of the targets."""

    def max_credit(self, scored_steps: Any) -> Any:
        """Return the credit of a perfect episode; the reward of a step is its credit divided by this number.

        Args:
            scored_steps: Number of scored steps of the episode; an int or an integer array.
        """
        return self.width * scored_steps

    def mean_return(self, wrong: int, symbols: int) -> float | None:
        """Return the mean return of episodes that all have the same number of scored steps.

        Args:
            wrong: Number of wrong symbols in all episodes.
            symbols: Number of scored symbols in all episodes.

        Returns:
            The mean return, or None if symbols differ in their number of classes, as counts do not determine
            the return then.
        """
        if len(set(self.sizes)) > 1:
            return None
        return 1 - wrong / symbols * (1 + 1 / (self.sizes[0] - 1))

    def cost_in_bits(self, probabilities: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return the negative log2-likelihood ``[...]`` of targets ``[..., O]``, summed over symbols.

        Each symbol costs between 0 and 20 bits.
        """
        likelihood = np.clip(self.likelihood(probabilities, targets), CLIP, 1 - CLIP)
        cost: NDArray[np.float64] = -np.log2(likelihood).sum(axis=-1)
        return cost

    def uniform(self, random: np.random.Generator, count: int) -> NDArray[Any]:
        """Return random answers ``[count, O]``, drawn uniformly."""
        return random.integers(self.sizes, size=(count, self.width), dtype=self.dtype)

    @property
    @abstractmethod
    def uniform_probabilities(self) -> NDArray[np.float64]:
        """The probabilities ``[L]`` of a uniform guess."""

    @abstractmethod
    def _space(self) -> spaces.Space[Any]:
        """Return the action space of mode ``answers``."""

    @abstractmethod
    def _check_sums(self, probabilities: NDArray[Any]) -> None:
        """Raise a ValueError unless the probabilities of each symbol sum to 1."""


def as_real_array(action: Any, shapes: Sequence[tuple[int, ...]]) -> NDArray[Any]:
    """Return an action as an array of real numbers.

    Args:
        action: Anything that NumPy converts to an array.
        shapes: The permitted shapes.

    Raises:
        ValueError: If the shape is not permitted, or the dtype is not real.
    """
    array = np.asarray(action)
    if array.shape not in shapes:
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"the action has the shape {array.shape}; expected {expected}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"the action is of type {array.dtype}; expected real numbers")
    return array
