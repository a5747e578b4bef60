"""A page with the help of every command."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from generate import rst
from ntm_leaderboard import cli
from ntm_leaderboard.cli.terminal import console


def write(folder: Path) -> None:
    """Write the page of the command line."""
    overview = _help()
    names = re.findall(r"^  ntm-envs (\S+)", overview, re.MULTILINE)
    parts = [
        part
        for name in names
        for part in (rst.heading(f"ntm-envs {name}", 1), rst.literal(_help(name), "text"))
    ]
    rst.write(folder / "index.rst", rst.heading("Command line"), rst.literal(overview, "text"), *parts)


def _help(*command: str) -> str:
    """Return what `--help` prints."""
    printed = io.StringIO()
    console.width = 90
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        cli.main([*command, "--help"])
    return printed.getvalue().strip()
