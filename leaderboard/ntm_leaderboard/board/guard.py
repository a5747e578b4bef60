"""The protection of a process that plays with foreign code in a child: of its memory, and from survivors."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ntm_leaderboard.board.confinement import call

PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 3, 4, 36, 37
PATIENCE = 30.0
"""Seconds within which the processes of a submission have to be ended."""


@contextmanager
def guarded() -> Iterator[None]:
    """Keep this process's memory from its children, and end every process that they started on leaving.

    The kernel then refuses its memory to processes of the same account, and hands it the orphans of its
    children, so that none escapes by a session or a parent of its own. All children that were not there
    before are ended. On systems other than Linux it does nothing.

    Raises:
        RuntimeError: On leaving, if processes cannot be ended.
    """
    if sys.platform != "linux":
        yield
        return
    dumpable, before = call("prctl", PR_GET_DUMPABLE, 0, 0, 0, 0), _children()
    adopts = ctypes.c_int()
    call("prctl", PR_GET_CHILD_SUBREAPER, ctypes.byref(adopts), 0, 0, 0)
    call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
    call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        _end_children_but(before)
        call("prctl", PR_SET_CHILD_SUBREAPER, adopts.value, 0, 0, 0)
        call("prctl", PR_SET_DUMPABLE, int(dumpable == 1), 0, 0, 0)


def descendants(ancestor: int) -> list[int]:
    """Return the processes that a process has started, and those that these have, parents first."""
    found = [ancestor]
    parents = _parents()
    for above in found:
        found += [pid for pid, parent in parents.items() if parent == above]
    return found[1:]


def _end_children_but(kept: set[int]) -> None:
    """End all children and their descendants but for some; those that are orphaned come here and are next."""
    deadline = time.monotonic() + PATIENCE
    while new := _children() - kept:
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes of the submission do not end: {sorted(new)}; nothing is verified")
        for child in new:
            for pid in (child, *descendants(child)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)


def _children() -> set[int]:
    return {pid for pid, parent in _parents().items() if parent == os.getpid()}


def _parents() -> dict[int, int]:
    """Return the parent of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            status = path.read_bytes().rpartition(b")")[2]
            found[int(path.parent.name)] = int(status.split()[1])
    return found
