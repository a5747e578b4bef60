"""A page for each task, from its row and docstrings, with pictures of the oracle and of trained machines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from generate import machines, rst
from generate.agents import SCORES, link
from generate.docstrings import link_pages
from ntm_envs import tasks
from ntm_envs.tasks import InteractiveTask, SequenceTask, Task, TaskSpec
from ntm_leaderboard.board.boards import Board, Boards
from ntm_leaderboard.board.rows import TRACKS
from ntm_leaderboard.docstrings import field_docs, paragraphs, prose, section
from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import ready, references
from ntm_leaderboard.page.machines import MACHINES
from ntm_leaderboard.wording import down, ladder_texts, sizes_text, task_name, training_text

SMALL = {"repeats": 3, "items": 3, "path": 4, "relation": 3, "shots": 4}
"""Sizes of the pictures; those that are not named are 8, or the largest in training."""
ABOUT = """:doc:`/generated/environment/index` are defined in the same way for all tasks. The page of a task
defines the rest: its inputs and targets, step by step, and its sizes for training and evaluation."""
LEGEND = """Dark is 1, orange is negative, and letters are symbols; the line above targets and outputs marks
the scored steps. In the diagram, a dot is a zero or a blank."""
VIEW = "Yellow is asked for, blue is answered, red is wrong. In the diagram, a dot is a zero or a blank."
"""Legend of tasks that draw their episodes themselves."""

PLAYERS = {"oracle": "oracle", "reference": "reference", "nearest": "nearest neighbour"}
"""Agents that play in the pictures, the oracle or one of those in its place, and their names in words."""


def write(folder: Path) -> None:
    """Write a page for each task and suite."""
    boards = Boards.read().by_suite
    parts = []
    for suite, grouped in groupby(tasks.TABLE, lambda row: row.suite):
        rows = list(grouped)
        for row in rows:
            write_task(folder / suite, row, boards.get(suite))
        title, pages = rst.heading(f"Suite {suite}"), rst.toctree(*(row.name for row in rows), hidden=True)
        about = (inspect.getdoc(import_module(f"ntm_envs.tasks.{suite}")) or "").partition(": ")[2]
        about = about[:1].upper() + about[1:]
        rst.write(folder / suite / "index.rst", title, about, _summaries(rows, "{row.name}"), pages)
        parts += [rst.heading(f"Suite {suite}", 1), about, _summaries(rows, "{row.suite}/{row.name}")]
    suites = rst.toctree(*(f"{suite}/index" for suite in tasks.suites()), hidden=True)
    rst.write(folder / "index.rst", rst.heading("All tasks"), ABOUT, *parts, suites)
    rst.write(folder / "definitions.txt", rst.definitions(_other_definitions()))


def _other_definitions() -> Iterator[tuple[str, str]]:
    """Yield each formal language, and what differs in other public definitions; `docs/which-parity.md`."""
    for row in tasks.suite("formal"):
        for text in paragraphs(prose(inspect.getmodule(type(row.make())))):
            if text.startswith("Other definitions: "):
                name = f":doc:`{task_name(row)} </generated/tasks/{row.suite}/{row.name}>`"
                yield name, text.removeprefix("Other definitions: ")


def _summaries(rows: list[TaskSpec], page: str) -> str:
    """Return a table of tasks, each with a link to its page."""
    cells = [(f":doc:`{task_name(row)} <{page.format(row=row)}>`", row.summary) for row in rows]
    return rst.table(["task", "objective"], cells)


def write_task(folder: Path, row: TaskSpec, board: Board | None) -> None:
    """Write the page and the pictures of a task."""
    task = row.make()
    kind = type(task)
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {name: min(SMALL.get(name, 8), largest) for name, largest in row.largest.items()}
    picture, player = folder / f"{row.name}.png", next(name for name in PLAYERS if name in references(task))
    watching.record(ready(player, row.name).agent, row.env_id, sizes, 0, [picture], 8)
    rst.write(
        folder / f"{row.name}.rst",
        rst.heading(task_name(row)),
        f"``{row.env_id}``: {row.summary}.",
        *_prose(kind),
        f".. image:: {picture.name}\n   :alt: An episode of {task_name(row)}",
        f"An episode of {sizes_text(sizes)}, played by the {PLAYERS[player]}. "
        + (LEGEND if kind.view is Task.view else VIEW),
        rst.heading("Definition", 1),
        rst.table([], _definition(row, task)),
        rst.heading("Parameters", 1) if fields(kind) else "",
        _parameters(kind),
        *_lessons(task),
        rst.heading("Example", 1),
        _environment(row),
        rst.literal(section(kind, "Example"), "pycon"),
        *_machines(row),
        *_scores(row, board),
        *_notes(kind),
        f"Source code: :py:obj:`{kind.__module__}.{kind.__name__}`.",
    )


def _prose(kind: type[Any]) -> list[str]:
    """Return what the docstring of a task tells, with what that of a base class of its suite adds."""
    suite = kind.__module__.rpartition(".")[0]
    bases = [base for base in kind.__mro__[1:] if base.__module__.rpartition(".")[0] == suite]
    summary, _, further = prose(kind).partition("\n\n")
    return [summary, *(prose(base).partition("\n\n")[2] for base in bases), further]


def _definition(row: TaskSpec, task: Any) -> list[tuple[str, str]]:
    interactive = isinstance(task, InteractiveTask)
    steps = (inspect.getdoc(type(task).max_steps) or "").removeprefix("Return ")
    learners = {"supervised": "targets", "reward": "rewards"}
    return [
        ("Kind", "interactive: observations depend on actions" if interactive else "sequence"),
        ("Observations", f"{_count(task.input_size)}: {_names(task.input_channels)}"),
        ("Actions", f"``{task.answers.space('answers')}``: {_names(task.output_channels)}"),
        ("Steps", f"{steps[:1].upper()}{steps[1:]}"),
        ("Rewards", _rewards(row, task)),
        *_metrics(task),
        ("Training", training_text(row)),
        ("Evaluation", "; ".join(ladder_texts(row))),
        ("Learnt from", " or ".join(learners[name] for name in row.learners)),
    ]


def _metrics(task: Task) -> list[tuple[str, str]]:
    """Return the further metrics of a task, if it has any."""
    metrics = task.metrics if isinstance(task, SequenceTask) else {}
    texts = [f"``{name}``: {text}" for name, text in metrics.items()]
    return [("Further metrics", "; ".join(texts))] if texts else []


def _rewards(row: TaskSpec, task: Any) -> str:
    """Return the reward of a symbol, in numbers; interactive tasks define their own above."""
    low, high = task.return_bounds({name: np.array([size]) for name, size in row.largest.items()})
    returns = f"Returns are from {low[0]:.3g} to {high[0]:.3g}"
    if isinstance(task, InteractiveTask):
        return f"Defined above. {returns} for {sizes_text(row.largest)}."
    symbols, classes = task.answers.width, set(task.answers.sizes)
    wrong = "``-1 / (k - 1)`` of that, where k is its number of classes"
    if len(classes) == 1:
        wrong = f"``-{_share(symbols * (classes.pop() - 1))}``"
    scored = int(task.episodes([0], **row.largest).mask.sum())
    example = "" if task.keyed_steps else f", such as {scored} for {sizes_text(row.largest)}"
    return (
        f"At a scored step, each correct symbol earns ``{_share(symbols)}`` and each wrong one {wrong}. "
        f"Here n is the number of scored steps{example}. {returns}; uniform guesses return 0 on average. "
        "(:ref:`How all tasks are graded <environment-rewards>`.)"
    )


def _count(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers} numbers"


def _share(parts: int) -> str:
    return "1 / n" if parts == 1 else f"1 / ({parts} * n)"


def _names(channels: tuple[str, ...]) -> str:
    """Return names of channels, with numbered ones as a range."""
    words: list[str] = []
    stems = [re.sub(r" (\d+|\w)$", "", name) for name in channels]
    for name, stem in zip(channels, stems, strict=True):
        alike = [other for other, others in zip(channels, stems, strict=True) if others == stem]
        text = f"``{alike[0]}`` to ``{alike[-1]}``" if len(alike) > 2 else f"``{name}``"
        if text not in words:
            words.append(text)
    return ", ".join(words)


def _parameters(kind: type[Any]) -> str:
    about = field_docs(kind)
    return rst.definitions((f"``{f.name}={f.default!r}``", about.get(f.name, "")) for f in fields(kind))


def _lessons(task: Task) -> list[str]:
    """Return the curriculum of a task as a table; nothing if it has none."""
    if not task.lessons:
        return []
    parameters = {name: getattr(task, name) for lesson in task.lessons for name in lesson.parameters}
    lessons = [{**lesson.sizes, **parameters, **lesson.parameters} for lesson in task.lessons]
    names = list(lessons[0])
    rows = [[str(i), *(_range(each[name]) for name in names)] for i, each in enumerate(lessons, 1)]
    return [rst.heading("Curriculum", 1), rst.table(["lesson", *(f"``{name}``" for name in names)], rows)]


def _range(value: Any) -> str:
    return " to ".join(map(str, dict.fromkeys(value))) if isinstance(value, tuple) else str(value)


def _environment(row: TaskSpec) -> str:
    sizes = ", ".join(f"{name}={size!r}" for name, size in row.training.items())
    return rst.literal(
        "import gymnasium as gym\nimport ntm_envs  # registers the environments\n\n"
        f'env = gym.make("{row.env_id}", {sizes})\nobservation, info = env.reset(seed=0)',
        "python",
    )


def _machines(row: TaskSpec) -> list[str]:
    parts = []
    for machine in MACHINES:
        if machine.task == row.name:
            how = ":doc:`how to read it </generated/machines/index>`"
            text = f"{machine.text} (Agent {link(machine.agent)}; {how}.)"
            parts += [rst.heading("A trained machine at work", 1), text, *machines.animation(machine)]
    return parts


def _scores(row: TaskSpec, board: Board | None) -> list[str]:
    """Return the scores of the agents on the board, the best one first."""
    rows = [agent for agent in board.rows if row.env_id in agent.standings] if board else []
    rows.sort(key=lambda agent: -agent.standings[row.env_id].score)
    cells = [
        (link(agent.agent), TRACKS[agent.track], down(agent.standings[row.env_id].score)) for agent in rows
    ]
    if not cells:
        return []
    return [rst.heading("Scores", 1), SCORES, rst.table(["agent", "learnt from", "score"], cells)]


def _notes(kind: type[Any]) -> list[str]:
    """Return the paragraphs of the module's docstring with a label, such as ``Source: ...``, as sections."""
    parts = []
    for text in paragraphs(prose(inspect.getmodule(kind)))[1:]:
        label, colon, rest = text.partition(": ")
        parts += [rst.heading(label, 1), link_pages(rest)] if colon else [link_pages(text)]
    return parts
