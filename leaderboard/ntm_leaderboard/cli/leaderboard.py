"""`ntm-envs leaderboard`: show the rankings, in the terminal or as a page."""

from __future__ import annotations

import errno
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from ntm_envs import tasks
from ntm_leaderboard.board.boards import Boards, without_collector
from ntm_leaderboard.cli import report
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, say


@dataclass(frozen=True, kw_only=True)
class LeaderboardOptions:
    """Rank the agents of the project, and your own among them, by suite and by task.

    Example:
        ntm-envs leaderboard serve --results bench/classic
    """

    action: tyro.conf.Positional[Literal["show", "build", "serve"]]
    """show prints the rankings; build writes them as a web page with charts; serve shows that page on this
    machine."""
    results: tuple[Path, ...] = ()
    """Folders that `ntm-envs bench` or `ntm-envs submit` has made, or folders of such folders."""
    records: Path | None = None
    """Folder of records that `ntm-envs verify` has made. Only these count, and stand in place of claims."""
    suite: tuple[str, ...] = ()
    """Suites to show. Without it: all of them."""
    tasks: tuple[str, ...] = ()
    """Tasks of your own among the results, such as ./my_task.py:MY_TASK. The file is executed."""
    alone: bool = False
    """Leave out the agents of the project."""
    output: Path = Path("site")
    """Folder that build writes the page into: a new one, or one that it has written before."""
    port: int = 8000
    """Port that serve listens on, at http://127.0.0.1:PORT; 0 for any free one."""


@without_collector()
def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(LeaderboardOptions, argv, "leaderboard")
    if not 0 <= options.port <= 65535:
        raise ValueError(f"port is {options.port}; expected 0 to 65535")
    for task in options.tasks:
        tasks.spec(task)  # makes it known
    boards = Boards.read(options.results, records=options.records, shipped=not options.alone)
    boards = boards.only(options.suite)
    if options.action == "show":
        report.print_boards(console, boards)
        return 0
    report.print_left_out(console, boards)
    from ntm_leaderboard import page  # it brings Jinja and Vega, which nothing else here needs

    if options.action == "build":
        index = page.build(boards, options.output)
        say(f"The page is {index}: it opens in a browser, and on any host of static files.")
        return 0
    try:
        with page.serve(boards, options.port) as address:
            say(f"The page is at {address} until you press Ctrl-C.")
            threading.Event().wait()
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ValueError(
            f"port {options.port} cannot be used ({error.strerror}); choose another, or --port 0 for any"
        ) from error
    return 0
