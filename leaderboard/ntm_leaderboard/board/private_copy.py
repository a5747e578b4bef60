"""Private copies of submissions: whoever may write into one cannot exchange a file while it is verified."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path

from ntm_agents.training.run import WEIGHTS
from ntm_envs.files import check_plain
from ntm_leaderboard.board.verify import FILES, LARGEST_SOURCE
from ntm_leaderboard.board.weights import LARGEST_HELD
from ntm_leaderboard.results import LARGEST_RECORD


def copy_plain(folder: Path, target: Path) -> None:
    """Copy the files of a submitted run that :func:`ntm_leaderboard.board.verify.check` has to see.

    These are `FILES`, as far as they are there, and two others: one may be a source, and a second is refused.

    Args:
        folder: The run.
        target: The folder to make.

    Raises:
        ValueError: If a file is not a plain one, or is too large.
    """
    target.mkdir()
    others = sorted(path.name for path in folder.iterdir() if path.name not in FILES)[:2]
    largest = dict.fromkeys(FILES, LARGEST_RECORD) | {WEIGHTS: LARGEST_HELD}
    for name in (*FILES, *others):
        if os.path.lexists(folder / name):
            _copy(folder / name, target / name, largest.get(name, LARGEST_SOURCE))


def _copy(source: Path, target: Path, most: int) -> None:
    check_plain(source, most)  # to open a device may have effects
    opened = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(opened, "rb") as file, target.open("xb") as copy:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise ValueError(f"{source} is no plain file; links and devices are refused")
        for part in iter(partial(file.read, 2**20), b""):
            if copy.tell() + len(part) > most:
                raise ValueError(f"{source} grows; expected at most {most:,} bytes")
            copy.write(part)
