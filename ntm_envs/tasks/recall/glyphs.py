"""Drawn glyphs: characters of random strokes, each glyph in another handwriting.

A character consists of three or four strokes, quadratic Bézier curves between random points of a grid. To
draw a glyph of it, each point is moved a little, and then the whole is turned, scaled and shifted. A soft
brush leaves ink along the curves, which adds up until a pixel is black.

Coordinates are integers, sixteenths of a pixel, and ink is counted in integers that float32 represents
exactly. The same words therefore draw the same pixels on every platform.

Shape letters: G glyphs, K characters, P points of the brush.

Example:
    >>> words = keyed.words(np.array([5]), keyed.DATA, CHARACTER + GLYPH)
    >>> glyph = draw(characters(words[:, :CHARACTER]), words[:, CHARACTER:])[0]
    >>> for row in glyph.reshape(SIDE, SIDE)[7:-1]:
    ...     print("".join(" .+#"[int(3 * grey)] for grey in row).rstrip())
          ##          .
         ###+        ..
         ###+       .+
         +. .+      +.
         +.  ++..  +.
         +    +##.++
         +     ####.
         +      ###.....
         +     .###+..
         +     ####.. .
         .     .#++....
         .
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.tasks.sizes import Integers

SIDE = 20
"""Height and width of a glyph in pixels."""
UNIT = 16
"""Parts of a pixel in which coordinates are measured."""
GRID, SPACING = 7, 38
"""Number of points of the grid in each direction, and their distance."""
STROKES = 4
"""Largest number of strokes of a character; half of all characters have one less."""
BRUSH = 2 * UNIT
"""Radius of the brush."""
BLACK = 64
"""Ink of a black pixel; a grey value is a multiple of 1/64."""

# The differences between glyphs of one character, which are uniform within these bounds. They were set once,
# for the nearest neighbour among pixels to be right at 50 to 80 % of the second presentations of OneShot. It
# is right at 63 %: ntm-envs evaluate --agent nearest --task one_shot
JITTER = 20
"""Largest move of a point in each direction, in sixteenths of a pixel."""
TURN, SCALE = 64, 40
"""Largest sine of a turn, and largest difference of the scale from 1, in 256ths."""
SHIFT = 28
"""Largest shift of a glyph in each direction, in sixteenths of a pixel."""

CHARACTER = 1 + STROKES * 3 * 2
"""Number of words that draw a character."""
GLYPH = 4 + STROKES * 3 * 2
"""Number of words that draw a glyph of it."""
AT_ONCE = 512
"""Number of glyphs that are drawn at a time, which fit into a cache."""
AWAY = 2**12
"""Coordinate of the points of a stroke that a character does not have: far outside."""

_CENTRES = UNIT // 2 + UNIT * np.arange(SIDE)
_DISTANCES = np.abs(np.arange(-BRUSH, SIDE * UNIT + BRUSH + 1)[:, None] - _CENTRES)
_BUMPS = (np.maximum(BRUSH - _DISTANCES, 0) ** 2 // BLACK).astype(np.float32)
"""The brush along one axis: ink from 0 to 16 in each pixel ``[20]``, for each coordinate from -BRUSH on."""
_AT = np.arange(17)[:, None]
_CURVE = np.hstack([(16 - _AT) ** 2, 2 * _AT * (16 - _AT), _AT**2]).astype(np.float32)
"""Weights of the three points of a stroke at each of 17 points of the brush, in 256ths."""


def characters(words: keyed.Words) -> Integers:
    """Return the points of the strokes of characters.

    Args:
        words: Random words ``[..., CHARACTER]``.

    Returns:
        Coordinates (x, y) of the three points of each stroke, from the centre, ``[..., STROKES, 3, 2]``.
    """
    points = keyed.below(words[..., 1:], GRID).reshape(*words.shape[:-1], STROKES, 3, 2)
    points = SPACING * (points - GRID // 2)
    points[keyed.below(words[..., 0], 2) == 1, -1] = AWAY
    return points


def draw(points: Integers, words: keyed.Words) -> NDArray[np.float32]:
    """Draw a glyph of each character.

    Args:
        points: Points of the strokes of characters ``[G, STROKES, 3, 2]``.
        words: Random words ``[G, GLYPH]``.

    Returns:
        Grey values from 0 to 1, row by row, ``[G, 400]``.
    """
    glyphs = np.empty((len(points), SIDE * SIDE), np.float32)
    for start in range(0, len(points), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        glyphs[part] = _drawn(points[part], words[part])
    return glyphs


def _drawn(points: Integers, words: keyed.Words) -> NDArray[np.float32]:
    """Draw glyphs that fit into a cache; see :func:`draw`."""
    G = len(points)
    bounds = np.array([TURN, SCALE, SHIFT, SHIFT, *[JITTER] * (GLYPH - 4)])
    moves = keyed.below(words, 2 * bounds + 1) - bounds
    sine, cosine, shift = moves[:, 0, None, None], 256 + moves[:, 1, None, None], moves[:, 2:4]
    x, y = np.moveaxis(points + moves[:, 4:].reshape(G, STROKES, 3, 2), 3, 0)
    turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=3) >> 8
    placed = turned + shift[:, None, None] + SIDE * UNIT // 2  # (G, STROKES, 3, 2)
    # All products and sums are integers below 2**24, which float32 represents exactly.
    brush = np.floor(np.matmul(_CURVE, placed.astype(np.float32)) / 256)  # (G, STROKES, P, 2)
    at = (np.clip(brush, -BRUSH, SIDE * UNIT + BRUSH) + BRUSH).astype(np.int32).reshape(G, -1, 2)
    across, down = _BUMPS.take(at[:, :, 0], axis=0), _BUMPS.take(at[:, :, 1], axis=0)  # (G, P, SIDE)
    ink = np.matmul(down.transpose(0, 2, 1), across)  # (G, SIDE, SIDE)
    grey: NDArray[np.float32] = np.floor(np.minimum(ink / 4, BLACK)) / BLACK
    return grey.reshape(G, -1)
