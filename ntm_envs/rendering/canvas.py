"""A canvas for smooth lines, discs and labels, in the style of the other images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.rendering.letters import dots

Point = tuple[float, float]
"""Coordinates (x, y) in pixels, from the upper left corner."""
Colour = Sequence[int]
"""Red, green and blue, from 0 to 255."""


class Canvas:
    """An image on which shapes are drawn one above the other, with smooth outlines.

    Attributes:
        pixels: The image, uint8 ``[height, width, 3]``.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        colour: Colour of the background.
    """

    def __init__(self, height: int, width: int, colour: Colour) -> None:
        self.pixels = np.tile(np.array(colour, np.uint8), (height, width, 1))

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """Draw a filled disc."""
        self.line(centre, centre, 2 * radius, colour)

    def line(self, start: Point, end: Point, width: float, colour: Colour) -> None:
        """Draw a line with round ends."""
        x, y, box = self._box((start, end), width / 2 + 1)
        along = np.subtract(end, start)
        length = float(along @ along)
        share = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (length or 1), 0, 1)
        away = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
        self._blend(box, width / 2 + 0.5 - away, colour)

    def arrow(self, start: Point, end: Point, width: float, size: float, colour: Colour) -> None:
        """Draw a line that ends in a triangle of the given length in pixels."""
        along = np.subtract(end, start)
        length = float(np.hypot(*along))
        if length == 0:
            return
        along = along / length
        size = min(size, length)
        neck = (end[0] - size * along[0], end[1] - size * along[1])
        self.line(start, neck, width, colour)
        x, y, box = self._box((neck, end), size)
        behind = (end[0] - x) * along[0] + (end[1] - y) * along[1]
        aside = abs((x - end[0]) * along[1] - (y - end[1]) * along[0])
        self._blend(box, np.minimum(size - behind, (behind - 2 * aside) / 5**0.5) + 0.5, colour)

    def text(self, centre: Point, text: str, dot: int, colour: Colour, halo: Colour | None = None) -> None:
        """Write a text around a point, in letters of dots of the given size, with an optional halo."""
        letters = dots(text)[:, :-1].repeat(dot, 0).repeat(dot, 1)
        height, width = letters.shape
        top, left = round(centre[1] - height / 2), round(centre[0] - width / 2)
        if halo is not None:
            spread = np.pad(letters, dot)
            for axis in (0, 1):
                spread = spread | np.roll(spread, dot, axis) | np.roll(spread, -dot, axis)
            self._stamp(top - dot, left - dot, spread, halo)
        self._stamp(top, left, letters, colour)

    def _stamp(self, top: int, left: int, shape: NDArray[np.bool_], colour: Colour) -> None:
        """Colour the pixels of a shape, as far as they are on the canvas."""
        rows, columns = np.nonzero(shape)
        rows, columns = rows + top, columns + left
        height, width, _ = self.pixels.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        self.pixels[rows[inside], columns[inside]] = colour

    def _box(
        self, points: Sequence[Point], margin: float
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]], tuple[slice, slice]]:
        """Return the coordinates of the pixels around points, and the part of the image that they are in."""
        low, high = np.min(points, axis=0) - margin, np.max(points, axis=0) + margin
        height, width, _ = self.pixels.shape
        columns = slice(max(0, int(low[0])), min(width, int(high[0]) + 2))
        rows = slice(max(0, int(low[1])), min(height, int(high[1]) + 2))
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + 0.5
        x = np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5
        return x, y, (rows, columns)

    def _blend(self, box: tuple[slice, slice], coverage: NDArray[Any], colour: Colour) -> None:
        """Paint the covered shares of the pixels of a part of the image, cut off at 0 and 1."""
        inside = coverage > 0
        share, part = np.minimum(coverage[inside], 1)[:, None], self.pixels[box]
        part[inside] = (part[inside] * (1 - share) + share * np.array(colour)).round()
