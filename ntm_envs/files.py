"""Atomic writes, and checks of files from untrusted sources."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically: readers see either the old content or all of the new content.

    A symbolic link at the path is replaced, not followed.
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
    """Check that a path is a regular file of limited size, without opening it.

    Args:
        path: The path to check. Symbolic links are not followed.
        most: The largest permitted size in bytes.

    Raises:
        FileNotFoundError: If the path does not exist.
        ValueError: If the path is not a regular file (for example a link or a device), or is too large.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing") from None
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no plain file; links and devices are refused")
    if found.st_size > most:
        raise ValueError(f"{path} has {found.st_size:,} bytes; expected at most {most:,}")
