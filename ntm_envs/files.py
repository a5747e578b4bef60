"""Atomic writes, and checks of paths before they are written or read."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically: readers see either the old content or all of the new content.

    A symbolic link at the path is replaced, not followed.

    Raises:
        OSError: If the file cannot be written; `filename` is the path.
    """
    temporary = path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}")  # any possible name leaves room
    try:
        with naming(path):
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def check_writable(path: Path) -> None:
    """Check that a file can be written at a path, before the work that it is for, and make its folder.

    Raises:
        OSError: If it cannot be written; `filename` is the path, or the folder that cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):  # it also refuses a name that is too long
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with naming(path):
        tempfile.TemporaryFile(dir=path.parent).close()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name a path in errors of the system: that of a full disk names none, others name a temporary file.

    Raises:
        OSError: If one occurs; `filename` is the path.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


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
