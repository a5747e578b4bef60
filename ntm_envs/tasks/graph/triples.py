"""The base class of tasks on graphs, whose observations and answers are triples of labels.

A triple (source, edge, destination) consists of three labels of three decimal digits each. An observation
has ten channels for each digit, one-hot; those of a label that is not specified are zero.

Shape letters: B episodes, T time steps, I input channels.

Example:
    >>> digits(np.array([417, 85, 290])).tolist()
    [4, 1, 7, 0, 8, 5, 2, 9, 0]
    >>> labels(digits(np.array([417, 85, 290]))).tolist()
    [417, 85, 290]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import Task, check_range
from ntm_envs.tasks.sizes import Integers

BASE = 10
PLACES = np.array([100, 10, 1])
CHANNELS = 3 * 3 * BASE
"""Number of channels of a triple."""
PHASE, ANSWER = CHANNELS, CHANNELS + 1
"""Channels of the flags."""
NAMES = tuple(f"{part} {place}" for part in ("source", "edge", "end") for place in ("100s", "10s", "1s"))


@dataclass(frozen=True, kw_only=True)
class GraphTask(Task):
    """A task on random graphs, with triples of labels as observations and answers."""

    out_degree: tuple[int, int] = (2, 4)
    """Smallest and largest number of edges that leave a node, each from 1 to 999. A node of a graph with
    fewer other nodes has an edge to each of them."""

    def __post_init__(self) -> None:
        check_range(self, "out_degree", 1, 999)

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The digits of a triple, a flag at the first step of each phase, and the request for an answer."""
        return (*(f"{name} {digit}" for name in NAMES for digit in range(BASE)), "phase", "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The digits of a triple."""
        return NAMES

    @property
    def answers(self) -> Symbols:
        """Nine decimal digits."""
        return Symbols((BASE,) * len(NAMES))

    def max_edges(self, nodes: Integers) -> Integers:
        """Return the largest number of edges of graphs of the given numbers of nodes."""
        return nodes * np.minimum(self.out_degree[1], nodes - 1)


def digits(labels: Integers) -> NDArray[np.uint8]:
    """Return the digits ``[..., 9]`` of triples of labels ``[..., 3]``."""
    found: Integers = labels[..., None] // PLACES % BASE
    return found.reshape(*labels.shape[:-1], -1).astype(np.uint8)


def labels(digits: NDArray[Any]) -> Integers:
    """Return the labels ``[..., 3]`` of triples of digits ``[..., 9]``."""
    found: Integers = digits.reshape(*digits.shape[:-1], 3, 3).astype(np.int64) @ PLACES
    return found


def write(inputs: NDArray[np.float32], triples: Integers) -> None:
    """Write triples of labels ``[..., 3]``, -1 where not specified, into zero inputs ``[..., I]``."""
    *where, part = (triples >= 0).nonzero()
    found = triples[(*where, part)]
    for i, place in enumerate(PLACES.tolist()):
        inputs[(*where, BASE * (3 * part + i) + found // place % BASE)] = 1


def read(inputs: NDArray[np.float32]) -> Integers:
    """Return the triples of labels ``[..., 3]`` in inputs ``[..., I]``, -1 where not specified."""
    coded = inputs[..., :CHANNELS].reshape(*inputs.shape[:-1], len(NAMES), BASE)
    there = coded[..., ::3, :].any(axis=-1)
    return np.where(there, labels(coded.argmax(axis=-1)), -1)
