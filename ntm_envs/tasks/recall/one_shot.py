"""OneShot: name drawn characters that are new in every episode, each as soon as it has been seen once.

Source: Santoro et al., *Meta-Learning with Memory-Augmented Neural Networks* (ICML 2016; arXiv 1605.06065),
section 2. Here an episode has as many presentations of one class as of any other.

Other definitions: In the paper the characters are those of Omniglot, rotated and scaled to 20 x 20 pixels;
here they are drawn (:mod:`ntm_envs.tasks.recall.glyphs`), so that there are as many as one wants and nothing
has to be downloaded. Accuracies on one set of characters say nothing about the other. The paper also has
labels of five letters each, in place of one symbol.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import Batch, SequenceTask, channel_names, check_integer
from ntm_envs.tasks.recall.glyph_view import GlyphView
from ntm_envs.tasks.recall.glyphs import CHARACTER, GLYPH, SIDE, characters, draw
from ntm_envs.tasks.recall.permutation import shuffled
from ntm_envs.tasks.sizes import UNBOUNDED, Integers
from ntm_envs.tasks.spec import TaskSpec, ladder

MOST_LABELS = 62
"""Largest number of labels, for each of which there is a letter."""
PIXELS = SIDE * SIDE
# Indices of the first words of each use.
LABELS, ORDER, GLYPHS = (use * 2**40 for use in range(1, 4))


@dataclass(frozen=True, kw_only=True)
class OneShot(SequenceTask):
    """The agent observes drawings of new characters, and names each of them by the label of its class.

    There are ``classes`` C characters, which are new in every episode, and ``shots`` drawings of each, all in
    random order. No two drawings are alike. The label of a drawing becomes known one step later: it comes
    with the next drawing. Each class has a label of its own, at random. The agent answers at every step, so
    at first it has to guess.

    Timing, for drawings a, b and c of a class with the label 1, and d, e and f of one with the label 0::

        step     0  1  2  3  4  5
        drawing  a  d  b  e  f  c
        label    .  1  0  1  0  0
        target   1  0  1  0  0  1

    Example:
        >>> batch = OneShot(labels=2).episodes([5], classes=2, shots=3)
        >>> batch.inputs[:, 0, 400:].astype(int).tolist()
        [[0, 0], [0, 1], [0, 1], [1, 0], [1, 0], [1, 0]]
        >>> batch.targets[:, 0, 0].tolist()
        [1, 1, 0, 0, 0, 1]
    """

    metrics: ClassVar[Mapping[str, str]] = {
        f"presentation_{k}": f"share of the classes whose presentation {k} was answered correctly"
        for k in (1, 2, 3, 5, 10)
    }
    labels: int = 5
    """Number of labels, from 2 to 62. With more labels than classes, an episode uses only some of them, so
    that one model can be evaluated with more classes than it was trained with."""

    def __post_init__(self) -> None:
        check_integer(self, "labels", 2, MOST_LABELS)

    @property
    def input_channels(self) -> tuple[str, ...]:
        """The grey values of a drawing, row by row, and the label of the drawing before."""
        return (*channel_names("pixel", PIXELS), *channel_names("label", self.labels))

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The label of the drawing."""
        return ("label",)

    @property
    def answers(self) -> Symbols:
        """One symbol."""
        return Symbols((self.labels,))

    @property
    def limits(self) -> Mapping[str, tuple[int, int]]:
        """At least two classes, each with a label, and one drawing of each."""
        return {"classes": (2, self.labels), "shots": (1, UNBOUNDED)}

    def max_steps(self, sizes: Mapping[str, Integers]) -> Integers:
        """Return ``classes * shots``, the number of drawings."""
        return sizes["classes"] * sizes["shots"]

    def fill(self, batch: Batch) -> None:
        """Draw the glyphs, and write labels as targets and, one step later, as inputs."""
        keys, there = batch.keys, np.arange(len(batch.mask)) < batch.steps[:, None]
        rows, steps = np.nonzero(there)
        classes = shuffled(keys, ORDER, there) % batch.sizes["classes"][:, None]
        names = shuffled(keys, LABELS, np.ones((len(keys), self.labels), np.bool_))
        shown = classes[rows, steps]
        words = keyed.words(keys, keyed.DATA, int(batch.sizes["classes"].max()) * CHARACTER)
        points = characters(words.reshape(len(keys), -1, CHARACTER))[rows, shown]
        words = keyed.words(keys, keyed.DATA, len(batch.mask) * GLYPH, GLYPHS)
        batch.inputs[steps, rows, :PIXELS] = draw(points, words.reshape(len(keys), -1, GLYPH)[rows, steps])
        batch.targets[steps, rows, 0] = label = names[rows, shown]
        batch.mask[steps, rows] = True
        known = steps + 1 < batch.steps[rows]
        batch.inputs[steps[known] + 1, rows[known], PIXELS + label[known]] = 1

    def measure(self, batch: Batch, right: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
        """Return the accuracy at the first, second, third, fifth and tenth presentation of a class."""
        labels = np.where(batch.mask, batch.targets[:, :, 0].astype(np.int64), -1)
        shown = np.where(batch.mask, presentations(labels), 0)
        accuracies = {}
        for name in self.metrics:
            there = shown == int(name.rpartition("_")[2])
            if there.any(axis=0).all():
                accuracies[name] = (right & there).sum(axis=0) / there.sum(axis=0)
        return accuracies

    def view(self, key: int, sizes: Mapping[str, int]) -> GlyphView:
        """Return a rendering of the drawings, each with its label and the answer."""
        return GlyphView()


def presentations(labels: NDArray[Any]) -> Integers:
    """Return how often the class of each step has been shown by then, from 1 on, ``[T, B]``.

    Args:
        labels: Labels of the steps of episodes ``[T, B]``.
    """
    counts = np.zeros(labels.shape, np.int64)
    for label in np.unique(labels):
        shown = labels == label
        counts[shown] = shown.cumsum(axis=0)[shown]
    return counts


ROW = TaskSpec(
    name="one_shot",
    env_id="ntm_envs/OneShot-v0",
    suite="recall",
    order=2,
    task=OneShot,
    summary="name drawn characters after seeing each of them once",
    training={"classes": 5, "shots": 10},
    ladders=ladder("shots", (10, 20, 40), classes=5),
    metric="cost",
    small={"classes": (2, 3), "shots": (1, 3)},
    digest="a9997515e8d9b5c8",
)
