"""Weights of submitted runs: beside their result, or held elsewhere if they are too large for that.

The address `git:COMMIT:PATH` is a file of this project's own history. It is read with git, from the
checkout that this code is in, so that no repository that came with a submission is trusted.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ntm_agents.training.run import WEIGHTS
from ntm_envs.files import check_plain
from ntm_leaderboard.results import Held

LARGEST_WEIGHTS, LARGEST_HELD = 2**18, 2**30
"""Largest numbers of bytes of weights that lie beside their result, and of those that are held elsewhere."""


@contextmanager
def with_weights(folder: Path, held: Held | None) -> Iterator[Path]:
    """Yield the folder of a run with its weights: itself, or a copy that has those from the history.

    Raises:
        FileNotFoundError: If weights are missing that should lie beside the result.
        ValueError: If they are no plain file of a possible size, not those that the result names, or not
            there yet; the message names their address.
    """
    if held is None:
        check_plain(folder / WEIGHTS, LARGEST_WEIGHTS)
        yield folder
        return
    with tempfile.TemporaryDirectory() as made:
        whole = folder
        if not (folder / WEIGHTS).exists():
            if held.in_history is None:
                raise ValueError(f"{folder / WEIGHTS} is not there yet; get it from {held.address} first")
            whole = Path(made)
            for path in folder.iterdir():
                if path.is_file() and not path.is_symlink():
                    shutil.copy(path, whole)
            (whole / WEIGHTS).write_bytes(_from_history(folder, held.in_history))
        check_plain(whole / WEIGHTS, LARGEST_HELD)
        with (whole / WEIGHTS).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != held.sha256:
            raise ValueError(
                f"{folder / WEIGHTS} has the SHA-256 {found}; expected that of the result, {held.sha256}"
            )
        yield whole


def _from_history(folder: Path, name: str) -> bytes:
    """Return the bytes of a file of this project's history, ``COMMIT:PATH``."""
    command = ["git", "-C", str(Path(__file__).parent), "cat-file", "blob", name]
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(
            f"{folder / WEIGHTS} is held in this project's history, which is not here: {name}; get it with "
            "`git fetch --unshallow` in a clone of the project, or download it and put it there"
        ) from error
