"""A job on another machine: its files travel as bytes, and no disk is shared.

`work` runs the commands of a job in a temporary folder. The job brings what is in its folder, and the Python
files of the user that were imported for it, which `ntm_envs.own_files` finds there at their paths. As it
runs, it tells its news: files that are new, changed or gone.
"""

from __future__ import annotations

import contextlib
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from ntm_envs import own_files
from ntm_envs.files import write_atomically
from ntm_leaderboard.harness.jobs import LOG, Arguments, Failure, Job
from ntm_leaderboard.harness.launcher import ENVIRONMENT, POLL_SECONDS, Process, stop

Files: TypeAlias = dict[str, bytes]
"""Contents of files by their paths, relative to a folder."""
LIBRARY = Path(sysconfig.get_paths()["stdlib"])
"""Folder of Python's own modules."""
_Stamps: TypeAlias = dict[str, tuple[int, ...]]
"""Values that change when a file does, by its path."""


@dataclass(frozen=True, kw_only=True)
class _Shipped(Job):
    """A job on a node: its commands, with paths in the folder that it has there."""

    given: list[Arguments]

    def __str__(self) -> str:
        return str(self.folder)

    def complete(self) -> bool:
        """Return that it is not, as it would not have been shipped."""
        return False

    def commands(self) -> list[Arguments]:
        """Return the commands."""
        return [
            [self.folder / part if isinstance(part, Path) else part for part in command]
            for command in self.given
        ]


@dataclass(frozen=True, kw_only=True)
class News:
    """The state of a job on its node.

    Attributes:
        files: Files of its folder that are new or have changed.
        gone: Files that have been deleted.
        over: Whether it has ended.
        failure: The reason if it has failed.
    """

    files: Files = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    over: bool = False
    failure: Failure | None = None


def work(
    commands: list[Arguments], files: Files, sources: Files, *, folder: Path, here: Path, seconds: float
) -> Iterator[News]:
    """Run a job in a temporary folder, and yield news of it.

    Args:
        commands: The commands; their paths are relative to the folder of the job.
        files: Files in the folder of the job.
        sources: Files of the user, by their absolute paths without the root.
        folder: The folder of the job on the machine that it comes from.
        here: The working directory there.
        seconds: Seconds after which it tells of the files that have changed.
    """
    with tempfile.TemporaryDirectory(prefix="ntm-envs-") as made:
        shipped, run = Path(made, "shipped"), Path(made, "run")
        cwd = shipped / here.relative_to(here.anchor)
        cwd.mkdir(parents=True)
        run.mkdir()
        write(shipped, sources)
        write(run, files)
        seen, told = _stamps(run), time.monotonic()
        environ = {**ENVIRONMENT, own_files.SHIPPED: str(shipped)}
        process = Process(_Shipped(number=0, folder=run, given=commands), cwd=cwd, environ=environ)
        try:
            yield News()
            while not process.poll():
                if time.monotonic() - told > seconds:
                    news, seen = _news(run, seen)
                    yield news
                    told = time.monotonic()
                time.sleep(POLL_SECONDS)
        except BaseException:
            stop([process])
            raise
        failure = process.failure
        if failure:
            reason = failure.reason.replace(str(run), str(folder))
            failure = replace(failure, reason=reason, log=failure.log and folder / LOG)
        yield replace(_news(run, seen)[0], over=True, failure=failure)


def _news(folder: Path, seen: _Stamps) -> tuple[News, _Stamps]:
    """Return what is new since the files had these stamps, and their present stamps."""
    stamps = _stamps(folder)
    changed = [name for name, stamp in stamps.items() if seen.get(name) != stamp]
    return News(files=_read(folder, changed), gone=frozenset(seen.keys() - stamps.keys())), stamps


def contents(folder: Path) -> Files:
    """Return the files of a folder, but for locks and what is half-written, whose names begin with a dot."""
    return _read(folder, _stamps(folder))


def write(folder: Path, files: Files) -> None:
    """Write files into a folder: logs first, as checkpoints refer to their lines."""
    for name in sorted(files, key=_is_log, reverse=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, files[name])


def sources() -> Files:
    """Return the Python files of the user that this process has imported.

    They are beside or below the present folder, or a file that was named by its path.
    """
    files = {
        name: Path(file).absolute()
        for name, module in list(sys.modules.items())
        if (file := getattr(module, "__file__", None))
    }
    roots = {path.parent for name, path in files.items() if name.startswith(own_files.PREFIX)}
    roots.add(Path.cwd())
    return {
        path.relative_to(path.anchor).as_posix(): path.read_bytes()
        for name, path in files.items()
        if path.suffix == ".py"
        and any(path.is_relative_to(root) for root in roots)
        and not _is_installed(name, path)
        and path.is_file()
    }


def _is_installed(name: str, path: Path) -> bool:
    """Return whether a module is one of this project, of a package or of Python: every node has these."""
    own = name.startswith("ntm_") and not name.startswith(own_files.PREFIX)
    library = path.is_relative_to(LIBRARY)
    return own or library or not {"site-packages", "dist-packages"}.isdisjoint(path.parts)


def _stamps(folder: Path) -> _Stamps:
    """Return the stamps of files by their names, the oldest file first, as a result refers to weights."""
    found = _Stamps()
    for path in folder.rglob("[!.]*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                stat = path.stat()
                stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                found[path.relative_to(folder).as_posix()] = stamp
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _read(folder: Path, names: Iterable[str]) -> Files:
    """Return the contents of files that are still there; logs are read last, after checkpoints."""
    found = Files()
    for name in sorted(names, key=_is_log):
        with contextlib.suppress(FileNotFoundError):
            found[name] = (folder / name).read_bytes()
    return found


def _is_log(name: str) -> bool:
    """Return whether a file is one that lines are appended to."""
    return name.endswith((".jsonl", ".txt"))
