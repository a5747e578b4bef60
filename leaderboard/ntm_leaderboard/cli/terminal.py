"""Where commands print."""

from __future__ import annotations

import sys

from rich.console import Console

console = Console()


def say(text: str) -> None:
    """Print a line as it is: names of folders may look like markup."""
    console.print(text, markup=False, highlight=False)


def fail(message: str) -> int:
    """Print an error, and return the exit code of one."""
    print(f"ntm-envs: {message}", file=sys.stderr)
    return 2
