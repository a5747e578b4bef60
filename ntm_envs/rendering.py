"""Pictures of an episode: as text, as an array of pixels, and in a window.

An episode is drawn as it grows: what the agent has seen, what would have been right, what it answered and
where that was wrong, over a common axis of time. Nothing of the future is shown: an input appears when it
is observed, a target once it has been answered. A second picture, to stand below the first, shows a
machine at work: where its heads have been, over the same axis, and what is in its memory now.

Shape letters: T time steps, I input channels, O output channels, N memory slots, M width of a slot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What there is to see of an episode at one moment.

    Attributes:
        title: What is played, such as ``Copy · length 7``.
        input_channels: The names of the I input channels.
        output_channels: The names of the O output channels.
        inputs: The inputs of the whole episode, ``[T, I]``.
        targets: Its targets, ``[T, O]``.
        mask: Its answer steps, ``[T]``.
        outputs: What the agent has answered so far, bits or probabilities, ``[now, O]``.
    """

    title: str
    input_channels: tuple[str, ...]
    output_channels: tuple[str, ...]
    inputs: NDArray[Any]
    targets: NDArray[Any]
    mask: NDArray[np.bool_]
    outputs: NDArray[Any]

    @property
    def now(self) -> int:
        """The number of steps that have been answered."""
        return len(self.outputs)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The wrong bits of the steps that have been answered, ``[now, O]``."""
        wrong: NDArray[np.bool_] = (self.outputs > 0.5) != (self.targets[: self.now] == 1)
        return wrong & self.mask[: self.now, None]

    def window(self, columns: int) -> slice:
        """Return the steps that fit into so many columns: the last ones up to the present."""
        return _window(self.now, len(self.mask), columns)


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


def _window(now: int, total: int, columns: int) -> slice:
    """Return the steps that fit into so many columns, up to the one that comes next."""
    first = max(0, min(now + 1, total) - columns)
    return slice(first, min(first + columns, total))


def _thinned(weighting: NDArray[Any], slots: NDArray[np.intp], most: int) -> tuple[Floats, int]:
    """Return the weights of slots in at most so many rows ``[rows, now]``, and the slots that share a row.

    The row has the largest of their weights, so that a sharp weighting stays so.
    """
    share = max(1, -(-len(slots) // most))
    rows = np.arange(0, len(slots), share)
    return np.maximum.reduceat(weighting[:, slots].astype(np.float64), rows, axis=1).T, share


def ansi(snapshot: Snapshot, width: int = 80) -> str:
    """Return an episode as text, a line for each channel.

    A full block is 1 and a dot is 0. Lower blocks are values between: from -1 to 1 in the input, from 0 to
    1 in the output, where ``x`` is a wrong bit. The last line counts the wrong bits of each step.
    """
    s, now, total = snapshot, snapshot.now, len(snapshot.mask)
    label = _label((*s.input_channels, *s.output_channels))
    steps = s.window(width - label)
    seen = slice(steps.start, min(now + 1, steps.stop))
    answered = slice(steps.start, min(now, steps.stop))
    answers = s.mask[answered]
    shown = "" if steps.stop - steps.start == total else f", showing {steps.start + 1} to {steps.stop}"
    score = f"{int(s.wrong.sum())} wrong bits"
    lines = [s.title[:width], f"step {min(now + 1, total)} of {total}{shown}, {score}"]

    def panel(name: str, channels: Sequence[str], rows: Sequence[str]) -> None:
        for i, (channel, row) in enumerate(zip(channels, rows, strict=True)):
            lines.append(f"{name if i == 0 else '':8}{channel:{label - 8}}{row}".rstrip())

    inputs = s.inputs[seen]
    panel("input", s.input_channels, ["".join(_character(v, low=-1) for v in row) for row in inputs.T])
    targets = np.where(answers[:, None], s.targets[answered], np.nan)
    panel("target", s.output_channels, ["".join(map(_character, row)) for row in targets.T])
    outputs = np.where(answers[:, None], s.outputs[answered], np.nan)
    panel(
        "output",
        s.output_channels,
        [
            "".join("x" if bad else _character(value) for value, bad in zip(row, wrongs, strict=True))
            for row, wrongs in zip(outputs.T, s.wrong[answered].T, strict=True)
        ],
    )
    counts = [str(min(n, 9)) if n else "·" for n in s.wrong[answered].sum(axis=1)]
    panel("wrong", [""], ["".join(c if a else " " for c, a in zip(counts, answers, strict=True))])
    return "\n".join(lines)


def trace_ansi(trace: Trace, channels: Sequence[str], width: int = 80) -> str:
    """Return the weightings as text, each in at most eight lines: the largest weights of as many slots.

    Args:
        trace: What there is to see.
        channels: The names of all channels in the text above, which decide where its axis of time begins.
        width: The width of the text above.
    """
    label, lines = _label(channels), []
    for name, weighting in trace.weightings.items():
        steps = _window(len(weighting), trace.steps, width - label)
        rows, share = _thinned(weighting[steps], trace.slots, TEXT_ROWS)
        lines.append(f"{name}, {_extent(trace.slots, weighting, share, 'line')}")
        for slot, row in zip(trace.slots[::share], rows, strict=True):
            lines.append(f"{'':8}{slot:<{label - 8}}{''.join(map(_character, row))}".rstrip())
    return "\n".join(line[:width] for line in lines)


def _label(channels: Sequence[str]) -> int:
    """Return the number of letters to the left of the axis of time."""
    return max(map(len, (*channels, "wrong"))) + 9


def _extent(slots: NDArray[np.intp], weighting: NDArray[Any], share: int, row: str) -> str:
    shared = f", {share} a {row}" if share > 1 else ""
    return f"{len(slots)} of {weighting.shape[1]} slots{shared}"


def _character(value: float, low: float = 0) -> str:
    if np.isnan(value):
        return " "
    if value == 0 or 0 < value < 1 / 16:
        return "·"
    return "▁▂▃▄▅▆▇█"[round(7 * (min(max(value, low), 1) - low) / (1 - low))]


# Colours (red, green, blue). The two ends of the scale differ in lightness, and mistakes carry a cross,
# so that nothing is told by hue alone.
PAPER, EMPTY, ZERO = (255, 255, 255), (246, 247, 249), (221, 227, 235)
INK, ONE, NEGATIVE, PRESENT = (46, 52, 64), (29, 78, 137), (222, 135, 53), (255, 224, 130)
WRONG, ANSWER = (190, 30, 45), (29, 78, 137)

MARGIN, TEXT, GAP = 16, 2, 14  # pixels: around all, of a dot of text, between panels
LARGEST_COLUMNS = 120
TEXT_ROWS, PIXEL_ROWS = 8, 64  # the most rows of a weighting


def rgb_array(snapshot: Snapshot, columns: int) -> Frame:
    """Return an episode as a picture of pixels.

    Its size depends on the columns and the channels alone. Shorter episodes leave room at the right,
    longer ones scroll.

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
    answered[: max(0, done.stop - done.start)] = s.mask[done]

    def grid(values: NDArray[Any], until: int) -> Floats:
        return _grid(values[steps.start : min(until, steps.stop)].T, columns)

    inputs = grid(s.inputs, now + 1)
    targets = np.where(answered, grid(s.targets, now), np.nan)
    outputs = np.where(answered, grid(s.outputs, now), np.nan)
    wrong = grid(s.wrong, now) == 1
    present = now - steps.start if now < len(s.mask) else None

    score = f"{int(s.wrong.sum())} wrong of {int(s.mask[:now].sum()) * s.targets.shape[1]}"
    strips = [_blank(MARGIN, width), _text_line(s.title, score, width, INK, 3), _blank(6, width)]
    for name, values in (("input", inputs), ("target", targets), ("output", outputs)):
        picture = _cells(values, (cell, cell), present, wrong if name == "output" else None)
        strips += _heading(name, "", width)
        if name != "input":
            strips.append(_bar(answered, cell, width))
        strips.append(_placed(picture, width))
    return np.concatenate([*strips, _blank(MARGIN, width)])


def trace_rgb_array(trace: Trace, columns: int) -> Frame:
    """Return a machine at work as a picture to stand below that of `rgb_array`, and as wide.

    Each weighting has a panel over the same steps, with a row for each slot or, if there are many, a few;
    and in the last panel each slot of the memory is a column.
    """
    columns, cell, width = _layout(columns)
    strips = []
    for name, weighting in trace.weightings.items():
        steps, now = _window(len(weighting), trace.steps, columns), len(weighting)
        rows, share = _thinned(weighting[steps], trace.slots, PIXEL_ROWS)
        height = max(3, min(10, 160 // len(rows)))
        present = now - steps.start if now < trace.steps else None
        strips += _heading(name, _extent(trace.slots, weighting, share, "row"), width)
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
    height, width = size
    share = np.clip(values, -1, 1)[:, :, None]
    end = np.where(share < 0, NEGATIVE, ONE)
    colours = ZERO + np.abs(share) * (end - np.array(ZERO))
    colours = np.where(np.isnan(share), EMPTY, colours)
    if present is not None:
        column = colours[:, present]
        column[np.isnan(values[:, present])] = PRESENT
    if wrong is not None:
        colours[wrong] = WRONG
    pixels = colours.round().astype(np.uint8).repeat(height, 0).repeat(width, 1)
    if wrong is not None:
        diagonal = np.eye(height - 1, width - 1, dtype=np.bool_)
        cross = np.zeros((height, width), np.bool_)
        cross[1:, 1:] = diagonal | diagonal[::-1]
        for row, column in np.argwhere(wrong):
            pixels[row * height : (row + 1) * height, column * width : (column + 1) * width][cross] = PAPER
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
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789·.,:-/",
        (
            *(25755, 65656, 34443, 65556, 74647, 74644, 34553, 55755, 72227, 11152, 55655, 44447, 57755),
            *(57775, 75557, 75744, 25573, 65655, 34216, 72222, 55557, 55552, 55775, 55255, 55222, 71247),
            *(25552, 26227, 61247, 61216, 55711, 74616, 34757, 71122, 75757, 75716),
            *(200, 2, 24, 2020, 700, 11244),
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


class Window:
    """A window on the screen that shows frames at a given rate (pygame)."""

    def __init__(self) -> None:
        try:
            import pygame
        except ModuleNotFoundError as error:
            raise DependencyNotInstalled(
                'a window needs pygame; install it with: pip install "ntm-envs[render]"'
            ) from error
        self._pygame = pygame
        pygame.init()
        self._clock = pygame.time.Clock()
        self._screen: Any = None

    def show(self, frame: Frame, fps: float) -> None:
        """Show a frame, and wait as long as the rate of frames asks for."""
        pygame = self._pygame
        surface = pygame.surfarray.make_surface(frame.transpose(1, 0, 2))
        if (room := 0.9 * min(h for _, h in pygame.display.get_desktop_sizes())) < surface.get_height():
            surface = pygame.transform.smoothscale_by(surface, room / surface.get_height())
        if self._screen is None or self._screen.get_size() != surface.get_size():
            self._screen = pygame.display.set_mode(surface.get_size())
            pygame.display.set_caption("ntm-envs")
        self._screen.blit(surface, (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(fps)

    def close(self) -> None:
        """Close the window."""
        self._pygame.display.quit()
        self._pygame.quit()
