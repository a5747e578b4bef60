"""Renderings of drawings that an agent names: each with the answer below it, once there is one.

A wrong answer is followed by the right label.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ntm_envs.rendering import Snapshot
from ntm_envs.rendering.canvas import Canvas
from ntm_envs.rendering.picture import INK, ONE, PAPER, PRESENT, WRONG
from ntm_envs.rendering.text import name_of
from ntm_envs.tasks.recall.glyphs import SIDE

ZOOM = 2
"""Width of a pixel of a drawing in the picture."""
TILE, LINE, DOT = ZOOM * SIDE + 8, 18, 2  # pixels: the width of a drawing, the height of an answer, and a dot
ROWS = 10
"""Largest number of rows of a picture; of a longer episode it shows the last drawings."""


class GlyphView:
    """The rendering of an episode."""

    def lines(self, snapshot: Snapshot, width: int) -> list[str]:
        """Return the last drawings side by side, then labels and answers of the steps so far."""
        columns = max(1, (width + 2) // (SIDE + 2))
        seen = _drawings(snapshot)[-columns:]
        lines = ["  ".join(_text(glyph)[row] for glyph in seen) for row in range(SIDE // 2)]
        steps = snapshot.window(width - 8)
        now = slice(steps.start, min(snapshot.now, steps.stop))
        marks = "".join(" x"[int(wrong)] for wrong in snapshot.wrong[now, 0]).rstrip()
        labels, answers = (_names(snapshot, now, own) for own in (False, True))
        return [
            *lines,
            f"label   {labels}".rstrip(),
            f"answer  {answers}".rstrip(),
            f"        {marks}".rstrip(),
        ]

    def picture(self, snapshot: Snapshot, width: int) -> NDArray[np.uint8]:
        """Return all drawings so far, from left to right and from top to bottom."""
        s, columns = snapshot, max(1, width // TILE)
        rows = min(ROWS, -(-s.steps // columns))
        canvas, steps = Canvas(rows * (TILE + LINE), width, PAPER), s.window(rows * columns)
        seen = _drawings(s)
        labels, answers = (_names(s, slice(0, s.now), own) for own in (False, True))
        for step in range(steps.start, min(len(seen), steps.stop)):
            row, column = divmod(step - steps.start, columns)
            top, left = row * (TILE + LINE), column * TILE
            back = PRESENT if step == s.now else PAPER
            shade = seen[step].repeat(ZOOM, 0).repeat(ZOOM, 1)[:, :, None]
            glyph = (np.array(back) * (1 - shade) + np.array(INK) * shade).round()
            canvas.pixels[top : top + ZOOM * SIDE, left : left + ZOOM * SIDE] = glyph
            if step < s.now:
                wrong = bool(s.wrong[step, 0])
                text = f"{answers[step]}>{labels[step]}" if wrong else answers[step]
                centre = (left + ZOOM * SIDE / 2, top + ZOOM * SIDE + 5 * DOT)
                canvas.text(centre, text, DOT, WRONG if wrong else ONE)
        return canvas.pixels


def _drawings(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the drawings that the agent has observed, ``[now + 1, SIDE, SIDE]``."""
    seen: NDArray[np.float32] = snapshot.inputs[: snapshot.now + 1, : SIDE * SIDE]
    return seen.reshape(-1, SIDE, SIDE)


def _names(snapshot: Snapshot, steps: slice, own: bool) -> str:
    """Return the answers of the agent, or else the labels, at steps that are over: a letter each."""
    assert snapshot.targets is not None
    classes = snapshot.actions[steps, 0] if own else snapshot.targets[steps, 0]
    return "".join(name_of(snapshot.answers.names[0], int(label)) for label in classes)


def _text(glyph: NDArray[np.float32]) -> list[str]:
    """Return a drawing as lines of half blocks, two rows of pixels each."""
    halves = (glyph[::2] >= 0.5) + 2 * (glyph[1::2] >= 0.5)
    return ["".join(" ▀▄█"[half] for half in row) for row in halves.tolist()]
