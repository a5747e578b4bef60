"""The leaderboard: a page with the rankings, and the interactive pages as a part of the site."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from ntm_leaderboard import page
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.documents.rankings import rankings

PAGE = """# Leaderboard

<p><a href="../../leaderboard/index.html"><strong>Open the leaderboard</strong></a>: every agent, task, size
and run, with charts, and the command that repeats each run.</p>

{rankings}

Scores are means over all sizes beyond the training range, with five seeds each: 0 is the best constant
output, 1 the oracle. [How models are evaluated](../../evaluation.md) explains the protocol, and why a result
can be trusted. [Verify a row](../../verify-a-row.md) plays a result anew, and
[Contributing a row](../repository/leaderboard.md#contributing-a-row) adds one.
"""


def write(folder: Path) -> None:
    """Write the page with the rankings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.md").write_text(PAGE.format(rankings=rankings(Boards.read())), encoding="utf-8")


def build(app: Sphinx, error: Exception | None) -> None:
    """Write the interactive pages into the site, once it is built."""
    if error is None and app.builder.format == "html":
        page.build(Boards.read(), Path(app.outdir, "leaderboard"), documentation="../index.html")
