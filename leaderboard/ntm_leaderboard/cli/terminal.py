"""The output of commands: the console, lines, and errors."""

from __future__ import annotations

import sys

from rich.console import Console

console = Console()


def say(text: str) -> None:
    """Print a line as it is: names of folders may look like markup."""
    console.print(text, markup=False, highlight=False)


def fail(message: str) -> int:
    """Print an error and return its exit code."""
    print(f"ntm-envs: {message}", file=sys.stderr)
    return 2
