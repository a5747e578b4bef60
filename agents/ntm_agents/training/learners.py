"""The table of learners, which are the algorithms and training signals that a model learns by.

A learner is one file with its row as `ROW`, in :mod:`ntm_agents.learners` or in `ntm_baselines.learners`.
Installed packages add theirs by the entry points ``ntm_envs.learners``. The row holds the configuration; the
trainer is a reference, which is loaded when a run begins, as it may need an extra.

Example:
    >>> find("supervised").config().sequences
    32000
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, cast

from torch import nn

from ntm_agents.rows import rows_in
from ntm_agents.training.config import LearnerConfig
from ntm_envs.lookup import did_you_mean, load

if TYPE_CHECKING:
    from ntm_agents.training.run import Run
    from ntm_agents.training.writer import Counters

Config = TypeVar("Config", bound=LearnerConfig)
Metrics: TypeAlias = dict[str, Any]
"""A line of `metrics.jsonl`."""
Track: TypeAlias = Literal["supervised", "reward"]
"""Source of learning: targets (``supervised``), or rewards alone (``reward``)."""

PACKAGES = ("ntm_agents.learners", "ntm_baselines.learners")
"""The project's own rows. They are named, and not imported, as some lie above this package."""


class RunTrainer(Protocol):
    """A trainer of one run, as a learner's row names it."""

    counters: Counters

    @property
    def complete(self) -> bool:
        """True if the run in the folder is complete."""

    @property
    def kernel(self) -> str | None:
        """The model's own `kernel`, if it has one."""

    def train(self) -> nn.Module:
        """Train to the end of the budget and return the model with the weights that are kept."""


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A row of the table of learners.

    Attributes:
        name: Name on the command line and in `config.json`.
        config: The frozen dataclass of its options.
        trainer: Reference to its trainer, ``package:Class``, whose arguments are those of
            :class:`ntm_agents.Trainer`.
        track: Training signal, and so the track that its runs are ranked in: ``supervised`` for targets,
            ``reward`` for rewards alone.
        unit: Unit of the budget, ``sequences`` or ``steps``; also a field of each line of metrics.
        budget: The option that holds the budget.
        measure: Metric that shows the progress of training, such as ``loss``.
    """

    name: str
    config: type[LearnerConfig]
    trainer: str
    track: Track
    unit: Literal["sequences", "steps"]
    budget: str
    measure: str

    def budget_of(self, config: LearnerConfig) -> int:
        """Return the budget of options `for_task`, in units of the learner."""
        return int(getattr(config, self.budget))

    def with_budget(self, config: LearnerConfig, budget: int) -> LearnerConfig:
        """Return options with another budget."""
        changed: dict[str, Any] = {self.budget: budget}
        return replace(config, **changed)

    def start(
        self,
        run: Run,
        folder: str | Path | None = None,
        *,
        report: Callable[[Metrics], None] = lambda metrics: None,
        device: str = "cpu",
    ) -> RunTrainer:
        """Return the trainer of a run; its arguments are those of :class:`ntm_agents.Trainer`."""
        trainer: RunTrainer = load(self.trainer)(run, folder, report=report, device=device)
        return trainer


def find(name: str) -> Learner:
    """Return the row of a learner.

    Only names are known here, and no references: a `config.json` that comes from others names its learner,
    and reading it must execute nothing of theirs.

    Raises:
        ValueError: If there is no such learner; the message suggests the nearest one.
    """
    for package in PACKAGES:
        for row in rows_in(import_module(package)):
            if row.name == name:
                return cast("Learner", row)
    rows = installed()  # installed packages are loaded only when they are needed
    if name not in rows:
        raise ValueError(did_you_mean("learner", name, rows))
    return rows[name]


def installed() -> dict[str, Learner]:
    """Return all rows by name: the project's own and those of installed packages."""
    rows: dict[str, Learner] = {}
    for package in PACKAGES:
        rows |= {row.name: row for row in rows_in(import_module(package))}
    for entry_point in entry_points(group="ntm_envs.learners"):
        if entry_point.name not in rows:
            try:
                row = entry_point.load()
                if type(row) is not Learner or row.name != entry_point.name:
                    raise TypeError(f"it is {row!r}; expected a Learner named {entry_point.name!r}")
                rows[row.name] = row
            except Exception as error:  # one broken package must not take all learners with it
                warnings.warn(f"the learner {entry_point.name!r} cannot be loaded: {error}", stacklevel=3)
    return rows


def config_for(run: Run, kind: type[Config]) -> Config:
    """Return the options of a run, for a trainer that takes options of this kind.

    Raises:
        ValueError: If the run is for another trainer.
    """
    learner = find(run.learner)
    if not issubclass(learner.config, kind):
        raise ValueError(
            f"the learner is {run.learner!r}, whose options are no {kind.__name__}; train it with "
            f"{learner.trainer}"
        )
    return cast("Config", run.train)
