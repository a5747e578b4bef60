r"""The output of commands: the streams, the console, lines, and errors.

Names, results and messages that others have written may hold escape sequences, which move the cursor and
colour or reverse text. They are shown as ``\x1b``, wherever they are printed: `safe_output` does so for the
streams, and the console for all but its own colours and movements.

A stream may also have an encoding without dashes and blocks; it shows them by `SUBSTITUTES`.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from ntm_leaderboard.harness.jobs import ERROR_PREFIX

ERROR = 2
"""Exit code of a command that has failed."""
SUBSTITUTES = {"–": "-", "·": ".", "…": "...", "×": "x", "▀": '"'} | dict(
    zip("▁▂▃▄▅▆▇█", "1234567#", strict=True)
)
"""Characters that are shown in place of ours where the encoding lacks them."""
LEGIBLE = "ntm_envs.legible"
"""Name of the error handler of encodings that uses them."""


def visible(text: str) -> str:
    r"""Return a text with characters that cannot be seen written as in Python, such as ``\x1b``.

    These are control characters, except newlines and tabs, and characters that have no width, reverse the
    direction of text, or are no characters.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def one_line(text: str) -> str:
    """Return a text on one line, so that no part of it is taken for a line of its own."""
    first, *others = text.splitlines() or [""]
    return visible(" ".join([first, *filter(None, map(str.strip, others))]))


def plain(text: str) -> str:
    """Return a text on one line, for a line with markup of its own: what looks like markup is text."""
    return escape(one_line(text))


class _SafeConsole(Console):
    """A console that makes all that it renders visible, but for its own control sequences."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render an object; see :class:`rich.console.Console`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Leave a broken pipe to the command."""
        raise


class _SafeStream:
    """A text stream that makes visible what is written to it.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text and return the number of its characters."""
        self._stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


console = _SafeConsole(emoji=False)


@contextmanager
def safe_output() -> Iterator[None]:
    """Make visible what is printed, in the characters that the encodings of the streams have."""
    stdout = sys.stdout
    with ExitStack() as stack:
        for stream, redirect in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=LEGIBLE)
            stack.enter_context(redirect(cast("TextIO", _SafeStream(stream))))
        console.file = stdout  # it has colours and movements of its own
        try:
            yield
        finally:
            console.file = cast("TextIO", None)  # the present `sys.stdout`


def say(text: str) -> None:
    """Print a line as it is: names of folders may look like markup."""
    console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


def fail(message: str, code: int = ERROR) -> int:
    """Print an error on one line, and return the exit code."""
    with suppress(OSError):  # nobody reads it
        print(f"{ERROR_PREFIX}{one_line(message)}", file=sys.stderr, flush=True)
    return code


def discard_output() -> None:
    """Discard what is left to write to the output, which has been closed or is full."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _legible(error: UnicodeError) -> tuple[str, int]:
    """Return a substitute for the characters that an encoding lacks, and the position behind them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(SUBSTITUTES.get(c) or c.encode("unicode_escape").decode() for c in lost), error.end


codecs.register_error(LEGIBLE, _legible)
