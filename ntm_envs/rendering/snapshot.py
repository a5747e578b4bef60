"""What there is to see of an episode, and of a machine that plays it, at one moment.

Shape letters: T time steps, I input channels, O symbols and L logits of an answer, N memory slots, M width of
a slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Answers

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What there is to see of an episode at one moment.

    Attributes:
        title: What is played, such as ``Copy · length 7``.
        input_channels: The names of the I input channels.
        output_channels: The names of the O symbols of an answer.
        answers: The type of the answers.
        steps: The number of steps T of the episode; the largest possible one while nobody knows.
        inputs: The inputs: those of the whole episode ``[T, I]``, or those seen so far.
        targets: Its targets ``[T, O]``; None in an interactive task.
        mask: Its answer steps ``[T]``; in an interactive task the steps so far that had a reward.
        outputs: What the agent has output so far: answers ``[now, O]`` or probabilities ``[now, L]``.
        rewards: The rewards so far ``[now]`` of an interactive task; None elsewhere.
    """

    title: str
    input_channels: tuple[str, ...]
    output_channels: tuple[str, ...]
    answers: Answers
    steps: int
    inputs: NDArray[Any]
    targets: NDArray[Any] | None
    mask: NDArray[np.bool_]
    outputs: NDArray[Any]
    rewards: NDArray[np.float64] | None = None

    @property
    def now(self) -> int:
        """The number of steps that have been answered."""
        return len(self.outputs)

    @property
    def given(self) -> NDArray[Any]:
        """The answers so far ``[now, O]``."""
        if self.outputs.shape[1] == self.answers.logits:
            return self.answers.decode(self.outputs)
        return self.outputs.astype(self.answers.dtype)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The wrong symbols of the steps that have been answered ``[now, O]``.

        In an interactive task these are all symbols of steps with a negative reward.
        """
        if self.targets is None:
            rewards = np.zeros(self.now) if self.rewards is None else self.rewards
            return np.repeat(rewards[:, None] < 0, self.answers.width, axis=1)
        wrong: NDArray[np.bool_] = self.given != self.targets[: self.now]
        return wrong & self.mask[: self.now, None]

    @property
    def score(self) -> str:
        """What has come of the episode so far, in words."""
        if self.rewards is not None:
            return f"return {self.rewards.sum():.1f}"
        scored = int(self.mask[: self.now].sum()) * self.answers.width
        return f"{int(self.wrong.sum())} wrong of {scored}"

    def window(self, columns: int) -> slice:
        """Return the steps that fit into so many columns: the last ones up to the present."""
        return window(self.now, self.steps, columns)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What there is to see of a machine with a memory at one moment of an episode.

    Attributes:
        steps: The number of steps T of the whole episode.
        weightings: How much each head has turned to each slot so far, ``[now, N]``, by the head's name.
        memory: What is in the memory now, ``[N, M]``, if that is to be seen.
        slots: The slots to show, in their order. They and the next decide how the pictures look, so
            they should be the same for the whole episode.
        largest: The magnitude in the memory that has the full colour.
    """

    steps: int
    weightings: Mapping[str, NDArray[Any]]
    memory: NDArray[Any] | None
    slots: NDArray[np.intp]
    largest: float = 1.0


def window(now: int, total: int, columns: int) -> slice:
    """Return the steps that fit into so many columns, up to the one that comes next."""
    first = max(0, min(now + 1, total) - columns)
    return slice(first, min(first + columns, total))


def thinned(weighting: NDArray[Any], slots: NDArray[np.intp], most: int) -> tuple[Floats, int]:
    """Return the weights of slots in at most so many rows ``[rows, now]``, and the slots that share a row.

    The row has the largest of their weights, so that a sharp weighting stays so.
    """
    share = max(1, -(-len(slots) // most))
    rows = np.arange(0, len(slots), share)
    return np.maximum.reduceat(weighting[:, slots].astype(np.float64), rows, axis=1).T, share


def extent(slots: NDArray[np.intp], weighting: NDArray[Any], share: int, row: str) -> str:
    """Say how many of the slots are shown, and how many share a row."""
    shared = f", {share} a {row}" if share > 1 else ""
    return f"{len(slots)} of {weighting.shape[1]} slots{shared}"
