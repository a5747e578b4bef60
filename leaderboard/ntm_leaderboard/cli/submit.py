"""`ntm-envs submit`: pack evaluated runs for others to check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from ntm_leaderboard.board.submission import pack, weights_folder
from ntm_leaderboard.cli.options import parse
from ntm_leaderboard.cli.terminal import say


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """Pack judged runs into a folder that others can check: results, configurations, weights, own source."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of judged runs, or folders of such folders, as `bench` makes."""
    output: Path = Path("submission")
    """The folder that is made, or added to."""
    held_at: str | None = None
    """Where you will put the weights, if they are larger than 2 MiB a run: an address such as
    https://example.org/weights. What goes there is written into a folder beside the submission."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(SubmitOptions, argv, "submit")
    for folder in (packed := pack(options.runs, options.output, options.held_at)):
        say(f"{folder}")
    if options.held_at:
        say(f"Put what is in {weights_folder(options.output)} to {options.held_at}, as it lies there.")
    say(f"{len(packed)} runs are in {options.output}. Check them: ntm-envs verify {options.output}")
    return 0
