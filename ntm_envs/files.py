"""Files that nobody ever sees half-written, and files that come from others."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at every moment either the old or the whole new one is there.

    What has its name but is a link is replaced, and not followed.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_plain(path: Path, most: int) -> None:
    """Refuse what is not a plain file of a possible size, before it is opened.

    Args:
        path: The file. Links are not followed.
        most: How many bytes it may have.

    Raises:
        FileNotFoundError: If it is not there.
        ValueError: If it is a link, a device and so on, or too large.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing") from None
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no plain file; links and devices are refused")
    if found.st_size > most:
        raise ValueError(f"{path} has {found.st_size:,} bytes; expected at most {most:,}")
