"""A page for each task, from its row and docstrings, with pictures of the oracle and of trained machines."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from generate import rst
from generate.docstrings import link_pages
from ntm_envs import tasks
from ntm_envs.tasks import InteractiveTask, TaskSpec
from ntm_leaderboard.docstrings import field_docs, paragraphs, prose, section
from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import ready
from ntm_leaderboard.page.machines import MACHINES, draw
from ntm_leaderboard.wording import ladder_texts, sizes_text, task_name, training_text

SMALL = {"repeats": 3, "items": 3, "path": 4, "relation": 3}
"""Sizes of the pictures; those that are not named are 8."""


def write(folder: Path) -> None:
    """Write a page for each task and suite."""
    suites = []
    for suite, rows in groupby(tasks.TABLE, lambda row: row.suite):
        names = []
        for row in rows:
            write_task(folder / suite, row)
            names.append(row.name)
        about = (inspect.getdoc(import_module(f"ntm_envs.tasks.{suite}")) or "").partition(": ")[2]
        title = rst.heading(f"Suite {suite}")
        rst.write(folder / suite / "index.rst", title, about[:1].upper() + about[1:], rst.toctree(*names))
        suites.append(f"{suite}/index")
    rst.write(folder / "index.rst", rst.heading("All tasks"), rst.toctree(*suites))


def write_task(folder: Path, row: TaskSpec) -> None:
    """Write the page and the pictures of a task."""
    task = row.make()
    kind = type(task)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {name: SMALL.get(name, 8) for name in row.training}
    picture = folder / f"{row.name}.png"
    watching.record(ready("oracle", row.name).agent, row.env_id, sizes, 0, [picture], 8)
    rst.write(
        folder / f"{row.name}.rst",
        rst.heading(task_name(row)),
        f"``{row.env_id}``: {row.summary}.",
        prose(kind),
        f".. image:: {picture.name}\n   :alt: An episode of {task_name(row)}, played by the oracle",
        rst.heading("Definition", 1),
        rst.table([], _definition(row, task)),
        rst.heading("Parameters", 1) if fields(kind) else "",
        _parameters(kind),
        rst.heading("Example", 1),
        _environment(row),
        rst.literal(section(kind, "Example"), "pycon"),
        *_machines(row, folder),
        *_notes(kind),
        f"Source code: :py:obj:`{kind.__module__}.{kind.__name__}`.",
    )


def _definition(row: TaskSpec, task: Any) -> list[tuple[str, str]]:
    interactive = isinstance(task, InteractiveTask)
    steps = (inspect.getdoc(type(task).max_steps) or "").removeprefix("Return ")
    learners = {"supervised": "targets", "reward": "rewards"}
    return [
        ("Kind", "interactive: observations depend on actions" if interactive else "sequence"),
        ("Observations", f"{task.input_size} numbers: {_names(task.input_channels)}"),
        ("Actions", f"``{task.answers.space('answers')}``: {_names(task.output_channels)}"),
        ("Steps", f"{steps[:1].upper()}{steps[1:]}"),
        ("Rewards", _rewards(row, task)),
        ("Training", training_text(row)),
        ("Evaluation", "; ".join(ladder_texts(row))),
        ("Learnt from", " or ".join(learners[name] for name in row.learners)),
    ]


def _rewards(row: TaskSpec, task: Any) -> str:
    """Return the returns of a perfect episode and of guesses; interactive tasks define their own above."""
    if not isinstance(task, InteractiveTask):
        return "A perfect episode returns 1, and uniform guesses 0 on average (:doc:`/tasks`)."
    low, high = task.return_bounds({name: np.array([size]) for name, size in row.largest.items()})
    return f"Defined above. Returns are from {low[0]} to {high[0]} for {sizes_text(row.largest)}."


def _names(channels: tuple[str, ...]) -> str:
    """Return names of channels, with numbered ones as a range."""
    words: list[str] = []
    for name in channels:
        stem = re.sub(r" \w$", "", name)
        alike = [other for other in channels if re.sub(r" \w$", "", other) == stem]
        text = f"``{alike[0]}`` to ``{alike[-1]}``" if len(alike) > 2 else f"``{name}``"
        if text not in words:
            words.append(text)
    return ", ".join(words)


def _parameters(kind: type[Any]) -> str:
    about = field_docs(kind)
    return rst.definitions((f"``{f.name}={f.default!r}``", about.get(f.name, "")) for f in fields(kind))


def _environment(row: TaskSpec) -> str:
    sizes = ", ".join(f"{name}={size!r}" for name, size in row.training.items())
    return rst.literal(
        "import gymnasium as gym\nimport ntm_envs  # registers the environments\n\n"
        f'env = gym.make("{row.env_id}", {sizes})\nobservation, info = env.reset(seed=0)',
        "python",
    )


def _machines(row: TaskSpec, folder: Path) -> list[str]:
    parts = []
    for machine in MACHINES:
        if machine.task == row.name:
            draw(machine, folder)
            parts += [
                rst.heading("A trained machine at work", 1),
                f"{machine.text} (``{machine.agent}``)",
                f".. image:: {machine.name}.gif\n   :alt: {machine.agent} on {task_name(row)}, step by step",
            ]
    return parts


def _notes(kind: type[Any]) -> list[str]:
    """Return the paragraphs of the module's docstring with a label, such as ``Source: ...``, as sections."""
    parts = []
    for text in paragraphs(prose(inspect.getmodule(kind)))[1:]:
        label, colon, rest = text.partition(": ")
        parts += [rst.heading(label, 1), link_pages(rest)] if colon else [link_pages(text)]
    return parts
