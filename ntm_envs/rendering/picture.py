"""Rendering of episodes and of memory machines as images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Bits
from ntm_envs.rendering.letters import dots
from ntm_envs.rendering.snapshot import Floats, Snapshot, Trace, describe_slots, downsample, window
from ntm_envs.rendering.text import name_of

Frame = NDArray[np.uint8]
"""An image ``[H, W, 3]`` of red, green and blue."""

# For colour-blind readers, no information is in the hue alone: the two ends of the scale differ in lightness,
# and errors are marked by a cross.
PAPER, EMPTY, ZERO = (255, 255, 255), (246, 247, 249), (221, 227, 235)
INK, ONE, NEGATIVE, PRESENT = (46, 52, 64), (29, 78, 137), (222, 135, 53), (255, 224, 130)
WRONG, ANSWER = (190, 30, 45), (29, 78, 137)
CLASSES = (
    (214, 227, 240),
    (250, 219, 184),
    (205, 232, 213),
    (242, 210, 222),
    (226, 218, 242),
    (235, 230, 196),
)

MARGIN, TEXT, GAP = 16, 2, 14  # pixels: the outer margin, a dot of a letter, and the space between panels
LARGEST_COLUMNS = 120
"""Largest number of steps in an image."""
PIXEL_ROWS = 64
"""Largest number of rows per weighting."""


def rgb_array(snapshot: Snapshot, columns: int) -> Frame:
    """Render an episode as an image.

    The size of the image depends only on the columns and the channels; width and height are even. Shorter
    episodes leave space at the right; longer ones scroll. Bits are shades of a colour; symbols are letters on
    the colour of their class. A task with a view of its own is drawn by that.

    Args:
        snapshot: The episode.
        columns: Number of steps that fit into the image, cut off at 120.

    Returns:
        The image ``[H, W, 3]``.
    """
    columns, cell, width = _layout(columns)
    s, steps, now = snapshot, snapshot.window(columns), snapshot.now
    strips = [_blank(MARGIN, width), _text_line(s.title, s.score, width, INK, 3), _blank(6, width)]
    if s.view is not None:
        return _stacked([*strips, _blank(6, width), _placed(s.view.picture(s, width - 2 * MARGIN), width)])
    answered = np.zeros(columns, np.bool_)
    done = slice(steps.start, min(now, steps.stop))
    answered[: max(0, done.stop - done.start)] = s.mask[done] if s.targets is not None else True

    def grid(values: NDArray[Any], until: int) -> Floats:
        return _grid(values[steps.start : min(until, steps.stop)].T, columns)

    present = now - steps.start if now < s.steps else None
    outputs = s.outputs if isinstance(s.answers, Bits) else s.actions
    panels: list[tuple[str, NDArray[Any]]] = [("input", s.inputs)]
    panels += [("target", s.targets), ("output", outputs)] if s.targets is not None else [("action", outputs)]
    for name, values in panels:
        strips += _heading(name, "", width)
        if name == "input":
            strips.append(_placed(_cells(grid(values, now + 1), (cell, cell), present), width))
            continue
        shown = np.where(answered, grid(values, now), np.nan)
        wrong = grid(s.wrong, now) == 1 if name != "target" else None
        if isinstance(s.answers, Bits):
            picture = _cells(shown, (cell, cell), present, wrong)
        else:
            picture = _letters(shown, s.answers.names, (cell, cell), present, wrong)
        strips += [_bar(answered, cell, width), _placed(picture, width)]
    return _stacked(strips)


def trace_rgb_array(trace: Trace, columns: int) -> Frame:
    """Render a machine with a memory as an image, to be placed below that of :func:`rgb_array`.

    Each weighting has a panel over the same steps, with one row per slot; slots share rows if there are many.
    The last panel is the memory, with one column per slot.

    Args:
        trace: The state of the machine.
        columns: Number of steps that fit into the image, as for :func:`rgb_array`.

    Returns:
        The image ``[H, W, 3]``, with the same width as that of :func:`rgb_array`.
    """
    columns, cell, width = _layout(columns)
    strips = []
    for name, weighting in trace.weightings.items():
        steps, now = window(len(weighting), trace.steps, columns), len(weighting)
        rows, shared = downsample(weighting[steps], trace.slots, PIXEL_ROWS)
        height = max(3, min(10, 160 // len(rows)))
        present = now - steps.start if now < trace.steps else None
        strips += _heading(name, describe_slots(trace.slots, weighting, shared, "row"), width)
        strips.append(_placed(_cells(_grid(rows, columns), (height, cell), present), width))
    if trace.memory is not None:
        room = width - 2 * MARGIN
        every = -(-3 * len(trace.slots) // room)  # a slot is at least three pixels wide
        values = trace.memory[trace.slots[::every]].T / trace.largest
        values = np.sign(values) * np.sqrt(np.abs(values))  # keeps small values visible beside large ones
        size = (max(3, min(10, 120 // len(values))), min(20, room // values.shape[1]))
        shown = "a slot" if every == 1 else f"1 of {every} slots"
        strips += _heading("memory", f"{shown} a column, largest {trace.largest:.1f}", width)
        strips.append(_placed(_cells(values, size), width))
    return _stacked(strips)


def _layout(columns: int) -> tuple[int, int, int]:
    """Return the number of steps shown, and the widths of a step and of the image in pixels."""
    columns = min(columns, LARGEST_COLUMNS)
    cell = max(6, min(20, 880 // columns))
    return columns, cell, _even(2 * MARGIN + max(columns * cell, 540))


def _even(pixels: int) -> int:
    """Return the next even number: common video formats cannot store odd widths and heights."""
    return pixels + pixels % 2


def _stacked(strips: Sequence[Frame]) -> Frame:
    """Return strips from top to bottom and a margin, as an image of even height."""
    height, width = sum(map(len, strips)), strips[0].shape[1]
    return np.concatenate([*strips, _blank(_even(height + MARGIN) - height, width)])


def _heading(left: str, right: str, width: int) -> list[Frame]:
    """Return the strips of a panel's heading."""
    return [_blank(GAP, width), _text_line(left, right, width, INK, TEXT), _blank(4, width)]


def _grid(values: NDArray[Any], columns: int) -> Floats:
    """Pad values ``[rows, steps]`` with NaN to ``[rows, columns]``."""
    shown = np.full((len(values), columns), np.nan)
    shown[:, : values.shape[1]] = values
    return shown


def _cells(
    values: Floats,
    size: tuple[int, int],
    present: int | None = None,
    wrong: NDArray[np.bool_] | None = None,
) -> Frame:
    """Draw a grid of numbers.

    Args:
        values: Numbers ``[rows, columns]`` from -1 to 1; NaN leaves a cell empty.
        size: Height and width of a cell in pixels. If they exceed 4, one pixel separates the cells.
        present: Column of the current step, if it is visible.
        wrong: Wrong cells ``[rows, columns]``, which have a colour of their own and a cross.
    """
    clipped = np.clip(values, -1, 1)[:, :, None]
    end = np.where(clipped < 0, NEGATIVE, ONE)
    colours = ZERO + np.abs(clipped) * (end - np.array(ZERO))
    return _ruled(_painted(colours, values, size, present, wrong), size)


def _letters(
    values: Floats,
    names: Sequence[str],
    size: tuple[int, int],
    present: int | None,
    wrong: NDArray[np.bool_] | None,
) -> Frame:
    """Draw a grid of classes ``[rows, columns]``; the other arguments are those of `_cells`."""
    (height, width), known = size, ~np.isnan(values)
    classes = np.where(known, values, 0).astype(np.int64)
    colours = np.array(CLASSES, np.float64)[classes % len(CLASSES)]
    pixels = _painted(colours, values, size, present, wrong)
    dot = min((height - 3) // 5, (width - 3) // 3)
    for row, column in np.argwhere(known) if dot else ():
        letter = dots(name_of(names[row], classes[row, column]))[:, :3].repeat(dot, 0).repeat(dot, 1)
        top = row * height + (height + 1 - letter.shape[0]) // 2
        left = column * width + (width + 1 - letter.shape[1]) // 2
        colour = PAPER if wrong is not None and wrong[row, column] else INK
        pixels[top : top + letter.shape[0], left : left + letter.shape[1]][letter] = colour
    return _ruled(pixels, size)


def _painted(
    colours: NDArray[Any],
    values: Floats,
    size: tuple[int, int],
    present: int | None,
    wrong: NDArray[np.bool_] | None,
) -> Frame:
    """Draw cells in colours ``[rows, columns, 3]``, and mark empty cells, the current step and errors."""
    (height, width), colours = size, np.where(np.isnan(values)[:, :, None], EMPTY, colours)
    if present is not None:
        column = colours[:, present]
        column[np.isnan(values[:, present])] = PRESENT
    if wrong is not None:
        colours[wrong] = WRONG
    pixels: Frame = colours.round().astype(np.uint8).repeat(height, 0).repeat(width, 1)
    if wrong is not None:
        diagonal = np.eye(height - 1, width - 1, dtype=np.bool_)
        cross = np.zeros((height, width), np.bool_)
        cross[1:, 1:] = diagonal | diagonal[::-1]
        for row, column in np.argwhere(wrong):
            pixels[row * height : (row + 1) * height, column * width : (column + 1) * width][cross] = PAPER
    return pixels


def _ruled(pixels: Frame, size: tuple[int, int]) -> Frame:
    """Separate the cells of an image by one pixel, if they are large enough."""
    height, width = size
    if height > 4:
        pixels[::height] = PAPER
    if width > 4:
        pixels[:, ::width] = PAPER
    return pixels


def _bar(answered: NDArray[np.bool_], cell: int, width: int) -> Frame:
    """Draw a thin line above the scored steps."""
    line = np.where(answered.repeat(cell)[:, None], ANSWER, PAPER).astype(np.uint8)
    return np.concatenate([_placed(np.stack([line] * 3), width), _blank(1, width)])


def _blank(height: int, width: int) -> Frame:
    """Return an image in the colour of the background."""
    return np.full((height, width, 3), PAPER, np.uint8)


def _placed(picture: Frame, width: int) -> Frame:
    """Pad an image with margins to the width of the rendering."""
    strip = _blank(len(picture), width)
    strip[:, MARGIN : MARGIN + picture.shape[1]] = picture
    return strip


def _text_line(left: str, right: str, width: int, colour: Sequence[int], dot: int) -> Frame:
    """Draw a text at the left, and a smaller one at the right if it fits."""
    strip = _blank(5 * dot, width)
    first, last = dots(left).repeat(dot, 0).repeat(dot, 1), dots(right).repeat(TEXT, 0).repeat(TEXT, 1)
    first = first[:, : width - 2 * MARGIN]
    strip[:, MARGIN : MARGIN + first.shape[1]][first] = colour
    if MARGIN + first.shape[1] + last.shape[1] + 2 * GAP < width:
        strip[-len(last) :, width - MARGIN - last.shape[1] : width - MARGIN][last] = colour
    return strip
