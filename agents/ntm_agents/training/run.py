"""A training run: its description, and its folder.

The folder has::

    config.json               everything that is needed to repeat the run
    metrics.jsonl             a line every few updates, and one for each validation
    checkpoint.safetensors    state to resume from; deleted when the run is complete, as is the one before it,
                              checkpoint.before.safetensors
    model.safetensors         the weights that are kept
    summary.json              outcome; exists if and only if the run is complete
    .lock                     held by the process that trains
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ntm_agents.migrate import FORMAT, migrate, playing
from ntm_agents.protocol import build, config_class
from ntm_agents.training import learners
from ntm_agents.training.checkpoint import check_tensors, load_tensors
from ntm_agents.training.checks import check_count, check_seconds
from ntm_agents.training.config import LearnerConfig, TrainConfig
from ntm_agents.training.defaults import own_defaults
from ntm_agents.training.learners import Learner
from ntm_agents.training.sources import executed_digest, imported_packages
from ntm_envs import tasks
from ntm_envs.files import write_atomically
from ntm_envs.lookup import load
from ntm_envs.tasks import Task, TaskSpec

WEIGHTS = "model.safetensors"
"""The file of a run's weights."""
_FIELDS: Mapping[str, type] = {
    "agent": str,
    "entry": str,
    "task": str,
    "model": dict,
    "train": dict,
    "learner": str,
    "seed": int,
}
"""The fields of a description that make a run, and their types; the learner is told from `train` at times."""
_COUNTS = ("sequences", "updates", "parameters", "restarts", "dropped_updates", "kept_at_sequences")
"""The counts of every summary."""
_KINDS = {str: "text", dict: "an object of options", int: "an integer"}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that determines a run.

    A run keeps to the code of its model and its task as it has first loaded it, also if files are edited.

    Attributes:
        agent: Name of the agent.
        entry: A reference to its model class, such as ``ntm_agents:NTM``.
        task: A name from the table of tasks, or a reference to a `TaskSpec`.
        model: Options of the model.
        learner: A name from the table of learners.
        train: Options of the learner.
        seed: Seed of initial weights, data and noise, from 0 to below 2 ** 63.

    Raises:
        ValueError: If there is no such learner, `train` is not of its kind, the seed is out of range, or a
            field is of another type.
    """

    agent: str
    entry: str
    task: str
    model: dict[str, Any] = field(default_factory=dict)
    learner: str = "supervised"
    train: LearnerConfig = field(default_factory=TrainConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        _check_types({name: value for name, value in vars(self).items() if name != "train"})
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed}; expected an integer from 0 to below 2 ** 63")
        kind = self.learner_row().config
        if type(self.train) is not kind:
            raise ValueError(
                f"train is {self.train!r}; expected a {kind.__name__}, as the learner is {self.learner!r}"
            )

    def learner_row(self) -> Learner:
        """Return the row of the learner."""
        return learners.find(self.learner)

    def task_spec(self) -> TaskSpec:
        """Return the row of the task."""
        return self._loaded_task[0]

    @cached_property
    def _loaded_task(self) -> tuple[TaskSpec, str | None]:
        """The row of the task, and the SHA-256 of its file as it was executed, if it is from a file."""
        row, is_file = tasks.spec(self.task), self.task.rpartition(":")[0].endswith(".py")
        return row, executed_digest(self.task) if is_file else None

    @cached_property
    def _loaded_model(self) -> tuple[Any, str | None]:
        """The model class, and the SHA-256 of its source as it was executed, if it is not the project's."""
        found = load(self.entry)
        return found, executed_digest(self.entry)

    @property
    def sources(self) -> dict[str, str]:
        """SHA-256 of the sources of model and task as they were executed: `source` and `task_source`.

        The project's own have none, as its version identifies them, nor have tasks of packages.
        """
        digests = {"source": self._loaded_model[1], "task_source": self._loaded_task[1]}
        return {name: digest for name, digest in digests.items() if digest}

    def build(self, task: Task) -> nn.Module:
        """Return the model for a task, with the initial weights of torch's present random state.

        Raises:
            TypeError: If the model has no such option, or there is no model at the reference.
            ValueError: If an option's value is not possible.
        """
        make = self._loaded_model[0]
        with own_defaults():
            model = build(make, task, **self.model) if callable(make) else make
        if not isinstance(model, nn.Module):
            raise TypeError(f"{self.entry} is of type {type(model).__name__}; expected a torch.nn.Module")
        return model

    def resolved(self) -> dict[str, Any]:
        """Return the run as JSON-able values, with every option of the model spelled out."""
        config = config_class(self._loaded_model[0])(**self.model)
        return {"format": FORMAT, **dataclasses.asdict(self), "model": dataclasses.asdict(config)}

    def write(self, folder: Path) -> None:
        """Write the run's `config.json` into a new folder, or check that it is the one there.

        Raises:
            ValueError: If the folder holds another run; the message names what differs.
        """
        record = json.loads(json.dumps(self.resolved()))
        record |= self.sources
        if (folder / "config.json").exists():
            there = migrate(read_json(folder / "config.json"))
            there.pop("versions", None)
            if "task_source" not in there:  # earlier versions recorded none
                record.pop("task_source", None)
            if there.get("entry") == self.entry:
                with contextlib.suppress(TypeError, ValueError):  # it has options that no longer exist
                    # Options that came later are spelled out there too.
                    there |= json.loads(json.dumps(Run.read(folder).resolved()))
            if there != record:
                what = record_difference(there, record)
                if (there.get("entry"), there.get("task")) == (self.entry, self.task):
                    for reference in self._changed_since(there):
                        what = f"{reference} has changed since"
                raise ValueError(f"{folder} holds another run ({what}); choose another folder, or delete it")
            return
        folder.mkdir(parents=True, exist_ok=True)
        record["versions"] = versions(self.entry)
        write_atomically(folder / "config.json", json.dumps(record, indent=2).encode())

    def _changed_since(self, record: Mapping[str, Any]) -> list[str]:
        """Return the references whose sources differ from those that a description has."""
        references = {"source": self.entry, "task_source": self.task}
        return [
            references[name]
            for name in references.keys() & record.keys()
            if record[name] != self.sources.get(name)
        ]

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Return the run of a folder.

        Raises:
            FileNotFoundError: If there is no run in the folder.
            ValueError: If its `config.json` is damaged, or not the configuration of a run.
        """
        record = read_description(folder)
        where, _, name = str(record.get("entry")).rpartition(":")
        if where.endswith(".py"):  # a file beside it, in a folder that was passed on
            record["entry"] = f"{(folder / where).resolve()}:{name}"
        try:
            return cls.of(record)
        except (AttributeError, TypeError, ValueError) as error:  # an option of another type fails anyhow
            raise ValueError(
                f"{folder / 'config.json'} is not the configuration of a run: {error}"
            ) from error

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Run:
        """Return the run of a description of any format.

        Raises:
            TypeError: If it has an unknown field or option.
            ValueError: If its format or its learner is unknown, a field is missing or of another type, or a
                value is not possible.
        """
        present = migrate(record)
        for name in ("format", "versions", "source", "task_source"):
            present.pop(name, None)
        for name in _FIELDS:
            if name not in present:
                raise ValueError(f"{name} is missing")
        _check_types(present)
        learner = learners.find(present["learner"])
        return cls(**{**present, "train": learner.config(**present["train"])})


def _check_types(fields: Mapping[str, object]) -> None:
    """Check the types of fields of a description.

    Raises:
        ValueError: If one is of another type.
    """
    for name, kind in _FIELDS.items():
        if name in fields and type(fields[name]) is not kind:
            raise ValueError(f"{name} is {fields[name]!r}; expected {_KINDS[kind]}")


def load_run(folder: str | Path) -> tuple[nn.Module, Run]:
    """Return the trained model of a complete run, in evaluation mode, and its run.

    It warns if the source of the model or of the task has changed since the training.

    Raises:
        FileNotFoundError: If there is no run in the folder, or it is not complete.
        ValueError: If one of its files is damaged.
        CheckpointError: If the weights do not belong to the model.
    """
    folder = Path(folder)
    run = Run.read(folder)
    read_summary(folder)  # only a complete run has one
    tensors = load_weights(folder)
    with torch.random.fork_rng(devices=[]):  # the initial weights are not used
        model = run.build(run.task_spec().make())
    for reference in run._changed_since(read_description(folder)):
        warnings.warn(f"{reference} has changed since the training of the run in {folder}", stacklevel=2)
    check_tensors(folder / WEIGHTS, tensors, model.state_dict())
    model.load_state_dict(tensors)
    return model.eval(), run


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Return the weights that a complete run plays with: without a critic, which earlier formats kept.

    Raises:
        FileNotFoundError: If there is no run in the folder.
        ValueError: If its `config.json` is damaged.
        CheckpointError: If the weights are no whole safetensors file.
    """
    return playing(read_description(folder), load_tensors(folder / WEIGHTS)[0])


def read_description(folder: Path) -> dict[str, Any]:
    """Return the `config.json` of a run, as it was written.

    Raises:
        FileNotFoundError: If there is no run in the folder.
        ValueError: If the file is damaged.
    """
    path = folder / "config.json"
    if not path.exists():
        raise FileNotFoundError(f"there is no run in {folder}: it has no config.json")
    return read_json(path)


def read_summary(folder: Path) -> dict[str, Any]:
    """Return the outcome of a run: sequences, seconds and so on.

    Raises:
        FileNotFoundError: If the run is not complete.
        ValueError: If the file is damaged, or has a count or a duration that is missing or impossible.
    """
    path = folder / "summary.json"
    if not path.exists():
        raise FileNotFoundError(f"the run in {folder} is not complete; resume it with: ntm-envs train ...")
    summary = read_json(path)
    try:
        for name in _COUNTS:
            check_count(name, summary.get(name))
        for name in ("steps", "rollbacks", "lesson"):  # of some learners
            if summary.get(name) is not None:
                check_count(name, summary[name])
        check_seconds(summary.get("seconds"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return summary


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file.

    Raises:
        ValueError: If there is none in it.
    """
    try:
        record = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # no JSON, no text, a number of very many digits, too deep
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path} is damaged: expected a JSON object")
    return record


def versions(entry: str | None = None) -> dict[str, str]:
    """Return the versions of the packages that the numbers of an agent depend on.

    Args:
        entry: A reference to its class. If it is foreign, the packages that its file imports count as well.
    """
    found = {"python": platform.python_version()}
    for package in ("ntm-envs", "torch", "numpy", "gymnasium", *(imported_packages(entry) if entry else ())):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a source tree that was put on the path by hand
            found[package] = "unknown"
    return found


def difference(there: Run, here: Run) -> str:
    """Name the first field in which two runs differ; an empty text if they are the same."""
    return record_difference(*(json.loads(json.dumps(run.resolved())) for run in (there, here)))


def record_difference(there: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> str:
    """Name the first field, by name, in which two records differ; an empty text if they are the same."""
    for name in sorted(there.keys() | here.keys()):
        old, new = there.get(name), here.get(name)
        if old != new and isinstance(old, dict) and isinstance(new, dict):
            return record_difference(old, new, f"{prefix}{name}.")
        if old != new:
            return f"{prefix}{name} is {old!r} there and {new!r} here"
    return ""
