"""Pictures of an episode as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.answers import Bits
from ntm_envs.rendering.snapshot import Snapshot, Trace, extent, thinned, window

ROWS = 8  # the most lines of a weighting


def ansi(snapshot: Snapshot, width: int = 80) -> str:
    """Return an episode as text, a line for each channel.

    Of bits a full block is 1 and a dot is 0; lower blocks are values between: from -1 to 1 in the input, from
    0 to 1 in the output, where ``x`` is a wrong bit. Other symbols are the names of their classes. The last
    line counts the wrong symbols of each step or, in an interactive task, has the signs of rewards.
    """
    s, now, total = snapshot, snapshot.now, snapshot.steps
    label = _label((*s.input_channels, *s.output_channels))
    steps = s.window(width - label)
    seen = slice(steps.start, min(now + 1, steps.stop))
    answered = slice(steps.start, min(now, steps.stop))
    shown = "" if steps.stop - steps.start == total else f", showing {steps.start + 1} to {steps.stop}"
    lines = [s.title[:width], f"step {min(now + 1, total)} of {total}{shown}, {s.score}"]

    def panel(name: str, channels: Sequence[str], rows: Sequence[str]) -> None:
        for i, (channel, row) in enumerate(zip(channels, rows, strict=True)):
            lines.append(f"{name if i == 0 else '':8}{channel:{label - 8}}{row}".rstrip())

    inputs = s.inputs[seen]
    panel("input", s.input_channels, ["".join(_character(v, low=-1) for v in row) for row in inputs.T])
    if s.targets is None:
        every = np.ones(len(s.given[answered]), np.bool_)
        panel("action", s.output_channels, _rows(s, s.given[answered], every, s.wrong[answered]))
        rewards = np.zeros(0) if s.rewards is None else s.rewards[answered]
        panel("reward", [""], ["".join("·+-"[int(np.sign(reward))] for reward in rewards)])
        return "\n".join(lines)
    answers, wrong = s.mask[answered], s.wrong[answered]
    panel("target", s.output_channels, _rows(s, s.targets[answered], answers))
    outputs = s.outputs if isinstance(s.answers, Bits) else s.given
    panel("output", s.output_channels, _rows(s, outputs[answered], answers, wrong))
    counts = [str(min(n, 9)) if n else "·" for n in wrong.sum(axis=1)]
    panel("wrong", [""], ["".join(c if a else " " for c, a in zip(counts, answers, strict=True))])
    return "\n".join(lines)


def _rows(
    snapshot: Snapshot,
    values: NDArray[Any],
    there: NDArray[np.bool_],
    wrong: NDArray[np.bool_] | None = None,
) -> list[str]:
    """Return a line for each symbol of values ``[steps, O]``, with blanks where there is no answer."""
    if isinstance(snapshot.answers, Bits):
        shown = np.where(there[:, None], values, np.nan)
        crossed = np.zeros(shown.shape, np.bool_) if wrong is None else wrong
        return [
            "".join("x" if bad else _character(value) for value, bad in zip(row, bads, strict=True))
            for row, bads in zip(shown.T, crossed.T, strict=True)
        ]
    return [
        "".join(name_of(names, value) if seen else " " for value, seen in zip(row, there, strict=True))
        for names, row in zip(snapshot.answers.names, values.T, strict=True)
    ]


def name_of(names: str, value: int) -> str:
    """Return the letter of a class."""
    return names[value] if value < len(names) else "?"


def trace_ansi(trace: Trace, channels: Sequence[str], width: int = 80) -> str:
    """Return the weightings as text, each in at most eight lines: the largest weights of as many slots.

    Args:
        trace: What there is to see.
        channels: The names of all channels in the text above, which decide where its axis of time begins.
        width: The width of the text above.
    """
    label, lines = _label(channels), []
    for name, weighting in trace.weightings.items():
        steps = window(len(weighting), trace.steps, width - label)
        rows, share = thinned(weighting[steps], trace.slots, ROWS)
        lines.append(f"{name}, {extent(trace.slots, weighting, share, 'line')}")
        for slot, row in zip(trace.slots[::share], rows, strict=True):
            lines.append(f"{'':8}{slot:<{label - 8}}{''.join(map(_character, row))}".rstrip())
    return "\n".join(line[:width] for line in lines)


def _label(channels: Sequence[str]) -> int:
    """Return the number of letters to the left of the axis of time."""
    return max(map(len, (*channels, "wrong"))) + 9


def _character(value: float, low: float = 0) -> str:
    if np.isnan(value):
        return " "
    if value == 0 or 0 < value < 1 / 16:
        return "·"
    return "▁▂▃▄▅▆▇█"[round(7 * (min(max(value, low), 1) - low) / (1 - low))]
