"""Jobs: independent pieces of work, as data that any launcher can run.

A job is a list of `ntm-envs` commands that work in a folder of their own. It is idempotent: the folder shows
what is complete, nothing complete is repeated, and an interrupted job resumes. A job has a number that
depends on the plan alone, so that machines divide a list without talking to each other (`Shard`). All
launchers are called alike (`Launcher`).

Example:
    >>> from ntm_leaderboard.harness import bench
    >>> [str(job) for job in bench.jobs_of(bench.QUICK)][:2]
    ['ntm on copy, seed 0', 'lstm on copy, seed 0']
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar

from filelock import FileLock, Timeout

LOG = "log.txt"
"""The file in a job's folder with all that its commands printed."""
ERROR_PREFIX = "ntm-envs: "
"""The start of the line with which a command that has failed names its error."""
Arguments: TypeAlias = Sequence[str | Path]
"""Arguments of a command; those that are paths are in the folder of its job, and move with it."""
UNFIT = (ValueError, TypeError, OSError)
"""Errors that say why a job cannot be run. It then fails with this reason."""


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """Commands that work in a folder of their own, and depend on no other job.

    Attributes:
        number: Position in the list of jobs, from 0.
        folder: Folder of everything that the job writes.
    """

    number: int
    folder: Path

    @abstractmethod
    def __str__(self) -> str: ...

    def record(self) -> dict[str, Any]:
        """Return the job as JSON-able values, by field."""
        return dataclasses.asdict(self) | {"folder": str(self.folder)}

    @abstractmethod
    def complete(self) -> bool:
        """Return whether the folder has all that the job is to make.

        Raises:
            ValueError, TypeError, OSError: If the folder has something else; see `UNFIT`.
        """

    @abstractmethod
    def commands(self) -> list[Arguments]:
        """Return the arguments of the `ntm-envs` commands of a job that is not complete, in their order.

        Paths in its folder are given as `Path`, as the folder may be another one where the commands run.

        Raises:
            ValueError, TypeError, OSError: If the job cannot be run; see `UNFIT`.
        """

    def progress(self) -> str:
        """Return the progress of a run that is trained and then evaluated, from the files of its folder."""
        if (self.folder / "result.json").exists():
            return "done"
        if (self.folder / "summary.json").exists():
            return "being evaluated"
        try:
            lines = (self.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
            metrics = [json.loads(line) for line in lines[-40:]]
            text = f"{metrics[-1]['sequences']:,} sequences"
            for name, shown in (("loss", "loss"), ("return", "return"), ("validation_accuracy", "accuracy")):
                known = [line[name] for line in metrics if line.get(name) is not None]
                text += f", {shown} {known[-1]:.3f}" if known else ""
        except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none yet, or half a line
            return "starting"
        return text


J = TypeVar("J", bound=Job)
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """The reason for which a job failed.

    Attributes:
        reason: The message of the command that failed.
        log: The file with all that the job printed, if it was started.
        killed: Whether a signal ended the command. Such a job did not fail by itself; launch it again.
    """

    reason: str
    log: Path | None = None
    killed: bool = False

    def __str__(self) -> str:
        return f"{self.reason} (see {self.log})" if self.log else self.reason


class Launcher(Protocol):
    """The interface of launchers, which run jobs."""

    def __call__(
        self, jobs: Sequence[J], finished: Callable[[J, Failure | None], None] = ...
    ) -> dict[J, Failure]:
        """Run jobs and return those that failed; a job that fails does not stop the others.

        Args:
            jobs: The jobs.
            finished: Called as each job ends, with the reason if it failed.
        """


def ignore(job: Job, failure: Failure | None) -> None:
    """Do nothing when a job ends."""


def begin(job: Job) -> tuple[FileLock, list[Arguments]]:
    """Make the folder of a job; return a lock on it, to be released, and the commands that are left to run.

    Raises:
        ValueError, TypeError, OSError: If another process works in the folder, or the job cannot be run.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(job.folder / ".job.lock")  # it ends with this process, however that ends
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another process works in {job.folder}; wait for it, or choose another --output"
        ) from None
    try:
        return lock, [] if job.complete() else job.commands()
    except UNFIT:
        lock.release()
        raise


@dataclass(frozen=True)
class Shard:
    """One of several parts of a list, such as one of jobs: each item is in exactly one part.

    Items are shuffled by their places, the same way everywhere, and then dealt out in turn. Parts differ in
    size by at most one item, and an agent that is slow is in all of them.

    Attributes:
        index: Number of the part, from 1 to `count`.
        count: Number of parts.

    Raises:
        ValueError: If the index is out of range.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ValueError(f"shard is {self}; expected I/N with I from 1 to N, such as 2/8")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard of a text such as ``2/8``.

        Raises:
            ValueError: If it is not of this form, or the index is out of range.
        """
        if not (found := re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)):
            raise ValueError(f"shard is {text!r}; expected I/N with I from 1 to N, such as 2/8")
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[T]) -> list[T]:
        """Return the items of this part, in their order.

        Args:
            items: All jobs of a plan, or whatever is divided.
        """
        shuffled = sorted(range(len(items)), key=lambda place: hashlib.sha256(b"%d" % place).digest())
        return [items[place] for place in sorted(shuffled[self.index - 1 :: self.count])]


def survey(jobs: Sequence[J], finished: Callable[[J, Failure | None], None] = ignore) -> dict[J, Failure]:
    """Run nothing, and return the jobs that are not complete, with the reason as far as it is known.

    It is called as any `Launcher`.
    """
    missing = dict[J, Failure]()
    for job in jobs:
        try:
            if not job.complete():
                missing[job] = _unfinished(job)
        except UNFIT as error:
            missing[job] = Failure(str(error))
        finished(job, missing.get(job))
    return missing


def _unfinished(job: Job) -> Failure:
    """Return what the files of a job that is not complete tell about it."""
    log = job.folder / LOG
    if not log.exists():
        return Failure("not started")
    last = log.read_text(encoding="utf-8", errors="replace").rstrip().rpartition("\n")[2]
    error = last.removeprefix(ERROR_PREFIX)
    return Failure(job.progress() if error == last else error, log)
