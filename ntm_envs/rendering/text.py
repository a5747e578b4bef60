"""Rendering of episodes and of memory machines as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Bits
from ntm_envs.rendering.snapshot import Snapshot, Trace, describe_slots, downsample, window

ROWS = 8
"""Largest number of lines per weighting."""


def ansi(snapshot: Snapshot, width: int = 80) -> str:
    """Render an episode as text, with one line per channel.

    A full block represents 1, a dot 0. Lower blocks represent the values between, from -1 to 1 in inputs and
    from 0 to 1 in outputs. A wrong bit is an ``x``. Symbols are represented by the names of their classes.
    The last line counts the wrong symbols of each step; in an interactive task, it shows the signs of
    rewards. A task with a view of its own describes its episodes by that.

    Args:
        snapshot: The episode.
        width: Largest number of characters per line.
    """
    s, now, total = snapshot, snapshot.now, snapshot.steps
    if s.view is not None:
        place = f"step {min(now + 1, total)} of {total}, {s.score}"
        return "\n".join([s.title[:width], place, *s.view.lines(s, width)])
    label = _label((*s.input_channels, *s.output_channels))
    steps = s.window(width - label)
    observed = slice(steps.start, min(now + 1, steps.stop))
    answered = slice(steps.start, min(now, steps.stop))
    shown = "" if steps.stop - steps.start == total else f", showing {steps.start + 1} to {steps.stop}"
    lines = [s.title[:width], f"step {min(now + 1, total)} of {total}{shown}, {s.score}"]

    def panel(name: str, channels: Sequence[str], rows: Sequence[str]) -> None:
        for i, (channel, row) in enumerate(zip(channels, rows, strict=True)):
            lines.append(f"{name if i == 0 else '':8}{channel:{label - 8}}{row}".rstrip())

    inputs = s.inputs[observed]
    panel("input", s.input_channels, ["".join(_character(v, low=-1) for v in row) for row in inputs.T])
    if s.targets is None:
        every = np.ones(len(s.actions[answered]), np.bool_)
        panel("action", s.output_channels, _rows(s, s.actions[answered], every, s.wrong[answered]))
        rewards = np.zeros(0) if s.rewards is None else s.rewards[answered]
        panel("reward", [""], ["".join("·+-"[int(np.sign(reward))] for reward in rewards)])
        return "\n".join(lines)
    scored, wrong = s.mask[answered], s.wrong[answered]
    panel("target", s.output_channels, _rows(s, s.targets[answered], scored))
    outputs = s.outputs if isinstance(s.answers, Bits) else s.actions
    panel("output", s.output_channels, _rows(s, outputs[answered], scored, wrong))
    counts = [str(min(n, 9)) if n else "·" for n in wrong.sum(axis=1)]
    panel("wrong", [""], ["".join(c if a else " " for c, a in zip(counts, scored, strict=True))])
    return "\n".join(lines)


def _rows(
    snapshot: Snapshot,
    values: NDArray[Any],
    visible: NDArray[np.bool_],
    wrong: NDArray[np.bool_] | None = None,
) -> list[str]:
    """Return one line per symbol of values ``[steps, O]``, with blanks at steps that are not visible."""
    if isinstance(snapshot.answers, Bits):
        shown = np.where(visible[:, None], values, np.nan)
        crossed = np.zeros(shown.shape, np.bool_) if wrong is None else wrong
        return [
            "".join("x" if bad else _character(value) for value, bad in zip(row, bads, strict=True))
            for row, bads in zip(shown.T, crossed.T, strict=True)
        ]
    return [
        "".join(name_of(names, value) if seen else " " for value, seen in zip(row, visible, strict=True))
        for names, row in zip(snapshot.answers.names, values.T, strict=True)
    ]


def name_of(names: str, value: int) -> str:
    """Return the character that names a class; a question mark if the class has no name."""
    return names[value] if value < len(names) else "?"


def trace_ansi(trace: Trace, channels: Sequence[str], width: int = 80) -> str:
    """Render weightings as text, each in at most eight lines; slots share lines if there are more.

    Args:
        trace: The state of the machine.
        channels: Names of all channels of the text above, which determine where the time axis starts.
        width: Width of the text above.
    """
    label, lines = _label(channels), []
    for name, weighting in trace.weightings.items():
        steps = window(len(weighting), trace.steps, width - label)
        rows, shared = downsample(weighting[steps], trace.slots, ROWS)
        lines.append(f"{name}, {describe_slots(trace.slots, weighting, shared, 'line')}")
        for slot, row in zip(trace.slots[::shared], rows, strict=True):
            lines.append(f"{'':8}{slot:<{label - 8}}{''.join(map(_character, row))}".rstrip())
    return "\n".join(line[:width] for line in lines)


def _label(channels: Sequence[str]) -> int:
    """Return the number of characters to the left of the time axis."""
    return max(map(len, (*channels, "wrong"))) + 9


def _character(value: float, low: float = 0) -> str:
    """Return the block that represents a value from ``low`` to 1, or a blank for NaN."""
    if np.isnan(value):
        return " "
    if value == 0 or 0 < value < 1 / 16:
        return "·"
    return "▁▂▃▄▅▆▇█"[round(7 * (min(max(value, low), 1) - low) / (1 - low))]
