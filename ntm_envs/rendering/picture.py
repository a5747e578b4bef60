"""Pictures of an episode, and of a machine that plays it, as arrays of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Bits
from ntm_envs.rendering.snapshot import Floats, Snapshot, Trace, extent, thinned, window
from ntm_envs.rendering.text import name_of

Frame = NDArray[np.uint8]

# Colours (red, green, blue). The two ends of the scale differ in lightness, and mistakes carry a cross,
# so that nothing is told by hue alone.
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

MARGIN, TEXT, GAP = 16, 2, 14  # pixels: around all, of a dot of text, between panels
LARGEST_COLUMNS = 120
PIXEL_ROWS = 64  # the most rows of a weighting


def rgb_array(snapshot: Snapshot, columns: int) -> Frame:
    """Return an episode as a picture of pixels.

    Its size depends on the columns and the channels alone. Shorter episodes leave room at the right,
    longer ones scroll. Bits are shades; other symbols are letters on the colour of their class.

    Args:
        snapshot: The episode.
        columns: How many steps fit into the picture; at most 120 are shown.

    Returns:
        Red, green and blue, ``[H, W, 3]``.
    """
    columns, cell, width = _layout(columns)
    s, steps, now = snapshot, snapshot.window(columns), snapshot.now
    answered = np.zeros(columns, np.bool_)
    done = slice(steps.start, min(now, steps.stop))
    answered[: max(0, done.stop - done.start)] = s.mask[done] if s.targets is not None else True

    def grid(values: NDArray[Any], until: int) -> Floats:
        return _grid(values[steps.start : min(until, steps.stop)].T, columns)

    present = now - steps.start if now < s.steps else None
    outputs = s.outputs if isinstance(s.answers, Bits) else s.given
    panels: list[tuple[str, NDArray[Any]]] = [("input", s.inputs)]
    panels += [("target", s.targets), ("output", outputs)] if s.targets is not None else [("action", outputs)]
    strips = [_blank(MARGIN, width), _text_line(s.title, s.score, width, INK, 3), _blank(6, width)]
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
    return np.concatenate([*strips, _blank(MARGIN, width)])


def trace_rgb_array(trace: Trace, columns: int) -> Frame:
    """Return a machine at work as a picture to stand below that of `rgb_array`, and as wide.

    Each weighting has a panel over the same steps, with a row for each slot or, if there are many, a few;
    and in the last panel each slot of the memory is a column.
    """
    columns, cell, width = _layout(columns)
    strips = []
    for name, weighting in trace.weightings.items():
        steps, now = window(len(weighting), trace.steps, columns), len(weighting)
        rows, share = thinned(weighting[steps], trace.slots, PIXEL_ROWS)
        height = max(3, min(10, 160 // len(rows)))
        present = now - steps.start if now < trace.steps else None
        strips += _heading(name, extent(trace.slots, weighting, share, "row"), width)
        strips.append(_placed(_cells(_grid(rows, columns), (height, cell), present), width))
    if trace.memory is not None:
        room = width - 2 * MARGIN
        every = -(-3 * len(trace.slots) // room)  # a slot is at least three pixels wide
        values = trace.memory[trace.slots[::every]].T / trace.largest
        values = np.sign(values) * np.sqrt(np.abs(values))  # a single large one would leave the others pale
        size = (max(3, min(10, 120 // len(values))), min(20, room // values.shape[1]))
        shown = "a slot" if every == 1 else f"1 of {every} slots"
        strips += _heading("memory", f"{shown} a column, largest {trace.largest:.1f}", width)
        strips.append(_placed(_cells(values, size), width))
    return np.concatenate([*strips, _blank(MARGIN, width)])


def _layout(columns: int) -> tuple[int, int, int]:
    """Return how many steps are shown, and in pixels the width of one and of the picture."""
    columns = min(columns, LARGEST_COLUMNS)
    cell = max(6, min(20, 880 // columns))
    return columns, cell, 2 * MARGIN + max(columns * cell, 540)


def _heading(left: str, right: str, width: int) -> list[Frame]:
    return [_blank(GAP, width), _text_line(left, right, width, INK, TEXT), _blank(4, width)]


def _grid(values: NDArray[Any], columns: int) -> Floats:
    """Return values ``[rows, steps]`` in so many columns, with nothing (NaN) behind them."""
    shown = np.full((len(values), columns), np.nan)
    shown[:, : values.shape[1]] = values
    return shown


def _cells(
    values: Floats,
    size: tuple[int, int],
    present: int | None = None,
    wrong: NDArray[np.bool_] | None = None,
) -> Frame:
    """Return a picture of a grid of values ``[rows, columns]``.

    Args:
        values: From -1 to 1, or NaN where there is nothing.
        size: Height and width of a cell in pixels, of which one is paper between cells if they are above 4.
        present: The column of the present, if there is one.
        wrong: The cells that are mistakes, and get a colour of their own and a cross.
    """
    share = np.clip(values, -1, 1)[:, :, None]
    end = np.where(share < 0, NEGATIVE, ONE)
    colours = ZERO + np.abs(share) * (end - np.array(ZERO))
    return _ruled(_painted(colours, values, size, present, wrong), size)


def _letters(
    values: Floats,
    names: Sequence[str],
    size: tuple[int, int],
    present: int | None,
    wrong: NDArray[np.bool_] | None,
) -> Frame:
    """Return a picture of a grid of classes ``[rows, columns]``; the others are those of `_cells`."""
    (height, width), known = size, ~np.isnan(values)
    classes = np.where(known, values, 0).astype(np.int64)
    colours = np.array(CLASSES, np.float64)[classes % len(CLASSES)]
    pixels = _painted(colours, values, size, present, wrong)
    dot = min((height - 3) // 5, (width - 3) // 3)
    for row, column in np.argwhere(known) if dot else ():
        letter = _dots(name_of(names[row], classes[row, column]))[:, :3].repeat(dot, 0).repeat(dot, 1)
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
    """Return cells of these colours ``[rows, columns, 3]``, with those of nothing, present and mistakes."""
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
    """Return the picture with a pixel of paper between cells, if they are large enough."""
    height, width = size
    if height > 4:
        pixels[::height] = PAPER
    if width > 4:
        pixels[:, ::width] = PAPER
    return pixels


def _bar(answered: NDArray[np.bool_], cell: int, width: int) -> Frame:
    """Return a thin line over the steps that are answers."""
    line = np.where(answered.repeat(cell)[:, None], ANSWER, PAPER).astype(np.uint8)
    return np.concatenate([_placed(np.stack([line] * 3), width), _blank(1, width)])


def _blank(height: int, width: int) -> Frame:
    return np.full((height, width, 3), PAPER, np.uint8)


def _placed(picture: Frame, width: int) -> Frame:
    strip = _blank(len(picture), width)
    strip[:, MARGIN : MARGIN + picture.shape[1]] = picture
    return strip


def _text_line(left: str, right: str, width: int, colour: Sequence[int], dot: int) -> Frame:
    """Return a line with a text at its left and a smaller one at its right."""
    strip = _blank(5 * dot, width)
    first, last = _dots(left).repeat(dot, 0).repeat(dot, 1), _dots(right).repeat(TEXT, 0).repeat(TEXT, 1)
    first = first[:, : width - 2 * MARGIN]
    strip[:, MARGIN : MARGIN + first.shape[1]][first] = colour
    if MARGIN + first.shape[1] + last.shape[1] + 2 * GAP < width:
        strip[-len(last) :, width - MARGIN - last.shape[1] : width - MARGIN][last] = colour
    return strip


# Letters of three by five dots: each octal digit is a row, its bits the dots from left to right.
LETTERS = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789·.,:-/<>",
        (
            *(25755, 65656, 34443, 65556, 74647, 74644, 34553, 55755, 72227, 11152, 55655, 44447, 57755),
            *(57775, 75557, 75744, 25573, 65655, 34216, 72222, 55557, 55552, 55775, 55255, 55222, 71247),
            *(25552, 26227, 61247, 61216, 55711, 74616, 34757, 71122, 75757, 75716),
            *(200, 2, 24, 2020, 700, 11244, 12421, 42124),
        ),
        strict=True,
    )
)


def _dots(text: str) -> NDArray[np.bool_]:
    """Return the dots of a text, ``[5, 4 * letters]``; a letter that there is not is a blank."""
    dots = np.zeros((5, 4 * len(text)), np.bool_)
    for i, letter in enumerate(text.upper()):
        for row, digit in enumerate(f"{LETTERS.get(letter, 0):05d}"):
            dots[row, 4 * i : 4 * i + 3] = [int(digit) >> 2 & 1, int(digit) >> 1 & 1, int(digit) & 1]
    return dots
