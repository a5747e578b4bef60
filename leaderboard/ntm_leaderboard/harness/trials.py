"""Trials of a search as jobs, several at a time: each is a search of its own, whose first trial it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ntm_envs.files import write_atomically
from ntm_leaderboard.harness.jobs import Arguments, Job, Launcher
from ntm_leaderboard.harness.tuning import RECIPE, TRIALS, Line, Search

FOLDER = "trials"
"""The folder of jobs, in that of their search."""


@dataclass(frozen=True, kw_only=True)
class TrialJob(Job):
    """One trial of a search.

    Attributes:
        recipe: The recipe that it trains by, as a recipe file has it.
        arguments: Arguments of `ntm-envs tune` that all trials of the search share.
    """

    recipe: dict[str, Any] = field(hash=False)
    arguments: Arguments = field(hash=False)

    def __str__(self) -> str:
        return f"trial {self.number}"

    @property
    def outcome(self) -> Path:
        """The log of the job's own search, which has one line."""
        return self.folder / "search" / TRIALS

    def complete(self) -> bool:
        """Return whether there is a line, of a trial by the same recipe.

        Raises:
            ValueError: If the recipe is damaged.
        """
        return self._has_recipe() and self.outcome.exists()

    def commands(self) -> list[Arguments]:
        """Write the recipe, and return the command of a search that has no other trial."""
        if not self._has_recipe():
            shutil.rmtree(self.outcome.parent, ignore_errors=True)  # of another choice, which was interrupted
            write_atomically(self.folder / RECIPE, json.dumps(self.recipe, indent=2).encode())
        own: Arguments = ["--recipe", self.folder / RECIPE, "--output", self.outcome.parent, "--trials", "1"]
        return [["tune", *self.arguments, *own]]

    def _has_recipe(self) -> bool:
        file = self.folder / RECIPE
        return file.exists() and bool(json.loads(file.read_bytes()) == self.recipe)

    def progress(self) -> str:
        """Return how far it is, which only its end tells."""
        return "done" if self.outcome.exists() else "training"


def attempt(search: Search, arguments: Arguments, launcher: Launcher, chosen: list[Line]) -> list[Line]:
    """Run trials as jobs and return their lines; see `Search.tune`.

    Args:
        search: The search.
        arguments: Arguments of `ntm-envs tune` that all its trials share: agent, tasks, minutes and device.
        launcher: Runs the jobs.
        chosen: The trials, with their options.

    Raises:
        ValueError: If the recipe itself fails, or a trial was killed, which says nothing about its options.
    """
    jobs = [
        TrialJob(
            number=line["number"],
            folder=search.folder / FOLDER / str(line["number"]),
            recipe=json.loads(json.dumps(search.recipe(line["options"]))),
            arguments=arguments,
        )
        for line in chosen
    ]
    failures, lines = launcher(jobs), list[Line]()
    for job, line in zip(jobs, chosen, strict=True):
        failure = failures.get(job)
        if job.outcome.exists():  # also of a trial without a finite validation, whose command fails
            told = json.loads(job.outcome.read_text(encoding="utf-8"))
            lines.append(told | {"number": line["number"], "options": line["options"]})
        elif failure and (failure.killed or job.number == 0):
            raise ValueError(f"{job}: {failure}; mend that, and the same command goes on")
        else:
            lines.append(line | {"error": failure and failure.reason})
    return lines
