"""A sheet of the drawings of OneShot: characters, each in several handwritings.

    .venv/bin/python benchmarks/glyphs.py

draws `docs/glyphs.png`. No two characters or drawings of it are chosen: they are those of the first episodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from PIL import Image

from ntm_envs import tasks
from ntm_envs.rendering.picture import CLASSES, INK, PAPER
from ntm_envs.tasks.recall.glyphs import SIDE
from ntm_envs.tasks.recall.one_shot import PIXELS

ZOOM, GAP = 3, 10  # pixels: the width of a pixel of a drawing, and the space between characters


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the sheet."""

    rows: int = 8
    """Episodes of five characters, a row each."""
    shots: int = 5
    """Drawings of each character: a large one, and four small ones beside it."""
    output: Path = Path("docs/glyphs.png")
    """File of the picture."""


def card(drawings: NDArray[np.float32], back: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return one character: its first drawing, and to the right the others in two rows, at half the size."""
    first, *others = (drawing.reshape(SIDE, SIDE) for drawing in drawings)
    large = first.repeat(2 * ZOOM, 0).repeat(2 * ZOOM, 1)
    half = -(-len(others) // 2)
    small = np.vstack([np.hstack(others[:half]), np.hstack(others[half:])]).repeat(ZOOM, 0).repeat(ZOOM, 1)
    ink = np.hstack([large, np.zeros((len(large), GAP), np.float32), small])[:, :, None]
    picture: NDArray[np.uint8] = (np.array(back) * (1 - ink) + np.array(INK) * ink).round().astype(np.uint8)
    return picture


def _framed(picture: NDArray[np.uint8], width: tuple[int, int]) -> NDArray[np.uint8]:
    """Add paper above and to the left, and below and to the right."""
    return np.pad(picture, (width, width, (0, 0)), constant_values=PAPER[0])


def main(options: Options) -> None:
    """Draw the sheet."""
    batch = tasks.get("one_shot").episodes(np.arange(options.rows), classes=5, shots=options.shots)
    rows = []
    for episode in range(options.rows):
        labels, drawn = batch.targets[:, episode, 0], batch.inputs[:, episode, :PIXELS]
        cards = [
            card(drawn[labels == label], CLASSES[(label + episode) % len(CLASSES)]) for label in range(5)
        ]
        rows.append(np.hstack([_framed(one, (GAP, 0)) for one in cards]))
    sheet = _framed(np.vstack(rows), (0, GAP))
    Image.fromarray(sheet).quantize(128).save(options.output, optimize=True)


if __name__ == "__main__":
    main(tyro.cli(Options))
