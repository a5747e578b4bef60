"""`ntm-envs leaderboard`: show the rankings, in the terminal or as a page."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from ntm_envs import tasks
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.cli import report
from ntm_leaderboard.cli.options import parse
from ntm_leaderboard.cli.terminal import console, say


@dataclass(frozen=True, kw_only=True)
class LeaderboardOptions:
    """Show the agents of the project, and your own among them, ranked suite by suite and on each task."""

    action: tyro.conf.Positional[Literal["show", "build", "serve"]]
    """show: print the rankings. build: write it as a web page, with charts. serve: show that page on this
    machine."""
    results: tuple[Path, ...] = ()
    """Folders that `bench` or `submit` has made, or any that have such folders in them."""
    suite: tuple[str, ...] = ()
    """Suites to show; all of them without it."""
    tasks: tuple[str, ...] = ()
    """Tasks of your own that there are results on: ./my_task.py:MY_TASK. The file is executed."""
    alone: bool = False
    """Leave out the agents of the project."""
    output: Path = Path("site")
    """Where `build` writes the page: a new folder, or one that it has made before."""
    port: int = 8000
    """Where `serve` shows it: http://127.0.0.1:PORT; 0 for any that is free."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(LeaderboardOptions, argv, "leaderboard")
    for task in options.tasks:
        tasks.spec(task)  # makes it known
    boards = Boards.read(options.results, shipped=not options.alone).only(options.suite)
    if options.action == "show":
        report.print_boards(console, boards)
        return 0
    from ntm_leaderboard import page  # it brings Jinja and Vega, which nothing else here needs

    if options.action == "build":
        index = page.build(boards, options.output)
        say(f"The page is {index}: it opens in a browser, and on any host of static files.")
        return 0
    with page.serve(boards, options.port) as address:
        say(f"The page is at {address} until you press Ctrl-C.")
        threading.Event().wait()
    return 0
