"""The confinement of a process before it executes foreign code.

Where Linux permits it, the process enters namespaces of its own: it has no network, signals no process
outside, and cannot change a file; of home, temporary and run-time folders it sees only what its model needs,
so it finds no sockets of services there. Without namespaces it still can write no byte into a file, and has
no privileges beyond those of its account.

    python -m ntm_leaderboard.board.confinement

exits with 0 if namespaces are permitted, and otherwise prints what is in the way.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER = 1 << 17, 1 << 27, 1 << 28
CLONE_NEWPID, CLONE_NEWNET = 1 << 29, 1 << 30
MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY, SYS_MOUNT_SETATTR = -100, 1 << 15, 1, 442
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
LINUX_CAPABILITY_VERSION_3 = 0x20080522

HIDDEN = tuple(map(Path, ("/run", "/tmp", "/var/tmp", "/dev/shm")))
"""Folders in which services have their sockets, and programs what they share."""
PACKAGES = ("ntm_envs", "ntm_agents", "ntm_baselines", "ntm_leaderboard")
"""The packages of this project, which may be installed from a checkout anywhere."""


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library.

    Raises:
        OSError: If it fails.
    """
    result: int = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


@cache
def obstacle() -> str | None:
    """Return what keeps a process from being confined by namespaces here; None if nothing does."""
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces, only Linux has"
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__], capture_output=True, text=True, errors="replace", check=False
    )
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else lines[-1] if lines else f"exit code {done.returncode}"


def enter_namespaces(needed: Iterable[Path] = ()) -> None:
    """Go on as the first process of new namespaces; all processes in them end with it.

    It must be called before threads are started. The calling process waits, and exits as the new one does.

    Args:
        needed: Folders that must stay visible, wherever they are.

    Raises:
        OSError: If the system does not permit it.
    """
    user, group = os.getuid(), os.getgid()
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    needed = list(needed)
    for folder in (*HIDDEN, Path.home(), *(path.parent for path in needed)):
        _hide(folder.resolve(), [*needed, *_python()])
    read_only = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY)
    call("syscall", SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, ctypes.byref(read_only), 32)
    if inner := os.fork():
        end_with_parent()
        _exit_like(inner)
    end_with_parent()


def end_with_parent() -> None:
    """Have the kernel end this process when the thread that has started it ends."""
    if sys.platform == "linux":
        call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def give_up_privileges() -> None:
    """Give up all capabilities for good, those of the administrator too, and all writing into files.

    Without capabilities it cannot read the memory of a process that is not dumpable.
    """
    import resource  # of Unix alone

    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    if sys.platform == "linux":
        call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        header, none = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3), (ctypes.c_uint32 * 6)()
        call("capset", ctypes.byref(header), ctypes.byref(none))


def _python() -> list[Path]:
    """Return the folders that Python and the packages of this project are in."""
    found = [find_spec(name) for name in PACKAGES]
    packages = [place for spec in found if spec for place in spec.submodule_search_locations or ()]
    return [Path(place) for place in (sys.prefix, sys.base_prefix, *sys.path, *packages) if place]


def _hide(folder: Path, visible: Iterable[Path]) -> None:
    """Cover a folder with an empty one, in which only what must stay visible is."""
    if not os.path.isdir(folder) or folder == Path("/"):
        return
    inside = (path for path in map(Path.resolve, visible) if path.is_relative_to(folder))
    kept = [path for path in inside if os.path.isdir(path)]
    opened = {path: os.open(path, os.O_PATH) for path in kept}
    call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, b"size=64k")
    for path, descriptor in opened.items():
        path.mkdir(parents=True, exist_ok=True)
        source = f"/proc/self/fd/{descriptor}".encode()
        call("mount", source, os.fsencode(path), None, MS_BIND | MS_REC, None)
        os.close(descriptor)


def _exit_like(pid: int) -> None:
    """Wait for a process, and exit with its exit code, or by its signal."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code < 0:
        with suppress(OSError):  # that of SIGKILL cannot be set
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    enter_namespaces()
