"""`ntm-envs submit`: pack evaluated runs for others to check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ntm_leaderboard.board.submission import pack, weights_folder
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import say
from ntm_leaderboard.wording import command


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """Pack evaluated runs into a folder that others can check: results, configurations, weights and source.

    Example:
        ntm-envs submit bench/classic/copy/MyModel --output submission
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of evaluated runs, or folders of such folders, as `ntm-envs bench` makes."""
    output: Path = Path("submission")
    """Folder of the submission: a new one, or one to add to."""
    held_at: Annotated[str | None, tyro.conf.arg(metavar="URL")] = None
    """Address at which you will put the weights, as those of a run with more than 256 KiB have to be, such as
    https://example.org/weights. They are written into a folder beside the submission."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(SubmitOptions, argv, "submit")
    for folder in (packed := pack(options.runs, options.output, options.held_at)):
        say(f"{folder}")
    if options.held_at:
        say(
            f"Upload the files of {weights_folder(options.output)} to {options.held_at}, with the same names."
        )
    say(f"{len(packed)} runs are in {options.output}. Check them: {command('verify', options.output)}")
    return 0
