"""The content of renderings: the state of an episode, and of a machine with a memory, at one step.

Shape letters: T time steps, I input channels, O symbols and L probabilities per answer, N memory slots, M
width of a slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Answers

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The state of an episode after some of its steps.

    Attributes:
        title: Name and sizes of the task, such as ``Copy · length 7``.
        input_channels: Names of the I input channels.
        output_channels: Names of the O symbols per answer.
        answers: Answer type of the task.
        steps: Number of steps T of the episode; an upper bound while an interactive episode continues.
        inputs: Inputs of the whole episode ``[T, I]``, or those observed so far.
        targets: Targets ``[T, O]``; None in an interactive task.
        mask: Scored steps ``[T]``; in an interactive task the steps so far with a non-zero reward ``[now]``.
        outputs: Actions so far: answers ``[now, O]`` or probabilities ``[now, L]``.
        rewards: Rewards so far ``[now]`` in an interactive task; None otherwise.
        view: The task's own rendering of the episode, in place of the grids of channels; None if it has none.
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
    view: View | None = None

    @property
    def now(self) -> int:
        """The number of steps taken so far."""
        return len(self.outputs)

    @property
    def actions(self) -> NDArray[Any]:
        """The answers so far ``[now, O]``, decoded if the agent outputs probabilities."""
        if self.outputs.shape[1] == self.answers.logits:
            return self.answers.decode(self.outputs)
        return self.outputs.astype(self.answers.dtype)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The wrong symbols of the steps so far, bool ``[now, O]``.

        In an interactive task, all symbols of a step with a negative reward count as wrong.
        """
        if self.targets is None:
            rewards = np.zeros(self.now) if self.rewards is None else self.rewards
            return np.repeat(rewards[:, None] < 0, self.answers.width, axis=1)
        wrong: NDArray[np.bool_] = self.actions != self.targets[: self.now]
        return wrong & self.mask[: self.now, None]

    @property
    def score(self) -> str:
        """The return or the number of wrong symbols so far, as text."""
        if self.rewards is not None:
            return f"return {self.rewards.sum():.1f}"
        scored = int(self.mask[: self.now].sum()) * self.answers.width
        return f"{int(self.wrong.sum())} wrong of {scored}"

    def window(self, columns: int) -> slice:
        """Return the steps that a rendering of the given width shows; see :func:`window`."""
        return window(self.now, self.steps, columns)


class View(Protocol):
    """A rendering of one episode that a task defines, in place of the grids of channels.

    It must show nothing of the future: inputs appear when the agent observes them, targets once it has
    answered.
    """

    def lines(self, snapshot: Snapshot, width: int) -> list[str]:
        """Return the lines of the text below the title, each of at most ``width`` characters."""

    def picture(self, snapshot: Snapshot, width: int) -> NDArray[np.uint8]:
        """Return the image below the title, ``[H, width, 3]``; H must be the same at all steps."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The state of a machine with a memory after some steps of an episode.

    Attributes:
        steps: Number of steps T of the whole episode.
        weightings: Weightings of each head so far ``[now, N]``, by the name of the head.
        memory: Current content of the memory ``[N, M]``, or None to hide it.
        slots: Indices of the slots to show, in order. Pass the same slots at all steps of an episode, so that
            renderings keep their size.
        largest: Magnitude in the memory that has the full colour, also the same at all steps.
    """

    steps: int
    weightings: Mapping[str, NDArray[Any]]
    memory: NDArray[Any] | None
    slots: NDArray[np.intp]
    largest: float = 1.0


def window(now: int, total: int, columns: int) -> slice:
    """Return the steps that fit into ``columns``; in a longer episode, the last ones up to step ``now``."""
    first = max(0, min(now + 1, total) - columns)
    return slice(first, min(first + columns, total))


def downsample(weighting: NDArray[Any], slots: NDArray[np.intp], most: int) -> tuple[Floats, int]:
    """Reduce a weighting to at most ``most`` rows by the maximum over neighbouring slots.

    Unlike a mean, the maximum keeps sharp weightings sharp.

    Args:
        weighting: Weights ``[now, N]``.
        slots: Indices of the slots to show.
        most: Largest number of rows.

    Returns:
        Weights ``[rows, now]``, and the number of slots that share a row.
    """
    shared = max(1, -(-len(slots) // most))
    rows = np.arange(0, len(slots), shared)
    return np.maximum.reduceat(weighting[:, slots].astype(np.float64), rows, axis=1).T, shared


def describe_slots(slots: NDArray[np.intp], weighting: NDArray[Any], shared: int, row: str) -> str:
    """Return how many slots a rendering shows, and how many share a row, as text."""
    each = f", {shared} a {row}" if shared > 1 else ""
    return f"{len(slots)} of {weighting.shape[1]} slots{each}"
