"""The folder of a run during training: the files that every trainer writes.

A trainer's loop looks like this::

    with writer.locked():
        with writer.updates(counters) as updates:
            while not over:
                ...  # an update; writer.log(...) now and then
                updates.end(state)  # a checkpoint, if it is time
        writer.finish(...)

A run that was killed resumes from its last checkpoint, or, if that file is damaged, from the one before it.
Lines of metrics after that are cut off, as they are written again.
"""

from __future__ import annotations

import json
import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeAlias, get_type_hints

from filelock import FileLock, Timeout
from torch import Tensor, nn

from ntm_agents.training.checkpoint import CheckpointError, load_tensors, save_tensors
from ntm_agents.training.checks import check_count, check_seconds
from ntm_agents.training.learners import Metrics
from ntm_agents.training.run import Run, difference
from ntm_envs.files import naming, write_atomically

LAST, BEFORE = "checkpoint.safetensors", "checkpoint.before.safetensors"
"""The files of the last checkpoint of a run, and of the one before it."""
KEPT = ".kept"
"""The folder, in that of a run, of runs with the weights that it had on the way (`keep_every`)."""

LATER: Mapping[str, bool] = {"later": True}
"""Metadata of a counter that earlier versions lack: in their checkpoints it has its default."""
State: TypeAlias = tuple[Mapping[str, Tensor], Mapping[str, Any]]
"""Contents of a checkpoint beside the counters: named tensors, and a JSON-able record."""


@dataclass(kw_only=True)
class Counters:
    """Position of a run and counts of its events; a learner may add counters of its own."""

    updates: int = 0
    sequences: int = 0
    """Training sequences that have ended, those before restarts included."""
    steps: int | None = field(default=None, metadata=LATER)
    """Steps of environments, for a learner that plays."""
    lesson: int | None = field(default=None, metadata=LATER)
    """Number of the lesson that was reached, from 1, for a run with lessons."""
    seconds: float = 0.0
    restarts: int = 0
    restarted_at: int = 0
    """Units of the budget before the last restart."""
    rollbacks: int = field(default=0, metadata=LATER)
    dropped: int = 0
    """Updates that were not finite."""
    validated_at: int = 0
    """Units of the budget before the last validation."""
    best_accuracy: float = -1.0
    best_sequences: int = 0
    """Sequences before the validation whose weights are kept."""
    metrics_bytes: int = 0
    """Size of `metrics.jsonl` at the checkpoint."""

    @classmethod
    def of(cls, record: Mapping[str, Any], path: Path) -> Self:
        """Return the counters of a checkpoint.

        Raises:
            CheckpointError: If it is of another learner, or has impossible counters.
        """
        later = {each.name: each.default for each in fields(cls) if "later" in each.metadata}
        present = {**later, **record}
        try:
            for name, kind in get_type_hints(cls).items():
                if name not in present:
                    raise ValueError(f"{name} is missing")
                if kind is int or (kind == int | None and present[name] is not None):
                    check_count(name, present[name])
                if kind is float and type(present[name]) not in (int, float):
                    raise ValueError(f"{name} is {present[name]!r}; expected a number")
            check_seconds(present["seconds"])
            return cls(**present)
        except (TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is no checkpoint of this learner: {error}") from error


class RunWriter:
    """A writer of the files of a run; see the module.

    Args:
        run: The run.
        folder: Its folder, which gets its `config.json`; None for no files.
        report: Called with every line of metrics.

    Raises:
        ValueError: If the folder holds another run.
    """

    def __init__(self, run: Run, folder: str | Path | None, report: Callable[[Metrics], None]) -> None:
        self.folder = None if folder is None else Path(folder)
        self._run, self._report = run, report
        self._last_is_whole = False  # the last checkpoint, so that it may take the place of the one before
        if self.folder is not None:
            run.write(self.folder)

    @property
    def complete(self) -> bool:
        """True if the run in the folder is complete."""
        return self.folder is not None and (self.folder / "summary.json").exists()

    def log(self, counters: Counters, values: Metrics) -> None:
        """Append a line to the metrics, and report it."""
        line: Metrics = {"update": counters.updates, "sequences": counters.sequences}
        if counters.steps is not None:
            line["steps"] = counters.steps
        if counters.lesson is not None:
            line["lesson"] = counters.lesson
        line |= {**values, "seconds": round(counters.seconds, 3)}
        if self.folder is not None:
            path = self.folder / "metrics.jsonl"
            with naming(path), path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self._report(line)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder: two processes that train in one would overwrite each other's files.

        Raises:
            ValueError: If the run is complete, or another process is training in the folder.
        """
        if self.folder is None:
            yield
            return
        try:
            with FileLock(self.folder / ".lock", timeout=0):  # it ends with its process, however that ends
                if self.complete:
                    raise ValueError(f"the run in {self.folder} is complete; load it with load_run")
                yield
        except Timeout:
            raise ValueError(
                f"another process is training in {self.folder}; wait for it, or end it"
            ) from None

    @contextmanager
    def updates(self, counters: Counters) -> Iterator[Updates]:
        """Keep time and hold interrupts back while a run is updated, from its last checkpoint on."""
        if self.folder is not None:
            metrics = self.folder / "metrics.jsonl"
            metrics.touch()
            with metrics.open("r+b") as file:
                lines = file.read(counters.metrics_bytes)
                file.truncate(lines.rfind(b"\n") + 1)  # also if it was cut off, within a line
        with _interrupts() as received:
            yield Updates(self, counters, received, self._run.train.checkpoint_seconds)

    def save(self, counters: Counters, state: State) -> None:
        """Write a checkpoint: the counters, and everything else that the next update depends on."""
        if self.folder is None:
            return
        counters.metrics_bytes = (self.folder / "metrics.jsonl").stat().st_size
        tensors, record = state
        record = {**record, "counters": asdict(counters), "run": self._run.resolved()}
        if self._last_is_whole and (self.folder / LAST).exists():
            (self.folder / LAST).replace(self.folder / BEFORE)
        save_tensors(self.folder / LAST, tensors, record)
        self._last_is_whole = True

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any], Path] | None:
        """Return the tensors and the record of the last whole checkpoint and its path; None if there is none.

        It warns if the last file is damaged and the one before it is used.

        Raises:
            CheckpointError: If all files are damaged, or one is of another run.
        """
        if self.folder is None or self.complete:
            return None
        paths = [path for path in (self.folder / LAST, self.folder / BEFORE) if path.exists()]
        for path in paths:
            try:
                tensors, record = load_tensors(path)
                if not isinstance(record, dict):
                    raise CheckpointError(f"{path} is no checkpoint")
                break
            except CheckpointError as error:
                if path is paths[-1]:
                    raise CheckpointError(f"{error}; delete it to start again") from error
                warnings.warn(f"{error}; training resumes from the checkpoint before it", stacklevel=4)
        else:
            return None
        self._last_is_whole = path.name == LAST
        if "counters" not in record:  # those of the first format hold the counters alone
            record = {"counters": record}
        if "run" in record and (what := difference(Run.of(record["run"]), self._run)):
            raise CheckpointError(f"{path} is of another run ({what}); delete it to start again")
        return tensors, record, path

    def keep(
        self, counters: Counters, model: nn.Module, weights: Mapping[str, Tensor], **measured: Any
    ) -> None:
        """Write present weights as a complete run into a hidden folder; arguments are those of `finish`."""
        if self.folder is not None:
            folder = self.folder / KEPT / str(counters.sequences)
            self._run.write(folder)
            _write_outcome(folder, counters, model, weights, **measured)

    def finish(
        self, counters: Counters, model: nn.Module, weights: Mapping[str, Tensor], **measured: Any
    ) -> None:
        """Write the weights that are kept and the summary; only then is the run complete.

        Args:
            counters: Where the run has ended.
            model: The model, as it plays.
            weights: The weights that are kept.
            **measured: The model's own `kernel`, if it has one; the `validation_loss` of these weights in
                nats a symbol, if there are targets; and their mean `validation_return`, for a learner that
                plays.
        """
        if self.folder is None:
            return
        _write_outcome(self.folder, counters, model, weights, **measured)
        for name in (LAST, BEFORE):
            (self.folder / name).unlink(missing_ok=True)
        for path in self.folder.glob(f".{LAST}.*"):  # of a process that was killed as it wrote
            path.unlink()


def _write_outcome(
    folder: Path,
    counters: Counters,
    model: nn.Module,
    weights: Mapping[str, Tensor],
    *,
    kernel: str | None,
    validation_loss: float | None = None,
    validation_return: float | None = None,
) -> None:
    """Write weights and then the summary, with which a run is complete; see `RunWriter.finish`."""
    save_tensors(folder / "model.safetensors", weights, {"sequences": counters.best_sequences})
    summary = {
        "sequences": counters.sequences,
        "steps": counters.steps,
        "updates": counters.updates,
        "seconds": round(counters.seconds, 3),
        "kernel": kernel,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "lesson": counters.lesson,
        "restarts": counters.restarts,
        "rollbacks": counters.rollbacks,
        "dropped_updates": counters.dropped,
        "kept_at_sequences": counters.best_sequences,
        "validation_accuracy": counters.best_accuracy,
        "validation_loss": finite(validation_loss),
        "validation_return": finite(validation_return),
    }
    write_atomically(folder / "summary.json", json.dumps(summary, indent=2).encode())


class Updates:
    """The time of a run, and the schedule of its checkpoints.

    Args:
        writer: Writes the checkpoints.
        counters: Counters of the run; `seconds` is kept here.
        received: Interrupts that have come.
        checkpoint_seconds: Seconds between checkpoints.
    """

    def __init__(
        self, writer: RunWriter, counters: Counters, received: list[int], checkpoint_seconds: float
    ) -> None:
        self._writer, self._counters, self._received = writer, counters, received
        self._checkpoint_seconds = checkpoint_seconds
        self._started = time.perf_counter() - counters.seconds
        self._saved = time.monotonic()

    def tick(self) -> None:
        """Bring the seconds of the run up to date."""
        self._counters.seconds = time.perf_counter() - self._started

    def end(self, state: Callable[[], State]) -> None:
        """Write a checkpoint after an update, if it is time or an interrupt has come.

        Args:
            state: Returns the contents of the checkpoint beside the counters.

        Raises:
            KeyboardInterrupt: If an interrupt has come.
        """
        if self._received or time.monotonic() - self._saved > self._checkpoint_seconds:
            self._writer.save(self._counters, state())
            self._saved = time.monotonic()
        if self._received:
            raise KeyboardInterrupt


def finite(value: float | None) -> float | None:
    """Return a number that JSON has; None for one that is not finite."""
    return value if value is not None and math.isfinite(value) else None


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collect requests to end in a list, so that none comes in the middle of an update.

    Those that the process was started to ignore stay ignored: a shell does so for commands in the background.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]  # Windows lacks one
    before = {number: signal.getsignal(number) for number in numbers if number is not None}
    heeded = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in heeded:
        signal.signal(number, lambda number, _frame: received.append(number))
    try:
        yield received
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
