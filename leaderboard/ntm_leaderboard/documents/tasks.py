"""The page `docs/tasks.md`: the meaning of channels and steps, from the rows and docstrings of tasks."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import fields
from importlib import import_module
from itertools import groupby
from typing import Any

from ntm_envs import tasks
from ntm_envs.answers import Bits
from ntm_envs.tasks import InteractiveTask, TaskSpec
from ntm_leaderboard.docstrings import field_docs
from ntm_leaderboard.wording import ladder_texts, task_name, training_text


def tasks_page(written: str) -> str:
    """Return the text of `docs/tasks.md`: its introduction as it was written, and a section for each task.

    Args:
        written: The present page. All above its first suite is written by hand, and is kept.
    """
    head = written.partition("\n## Suite ")[0].rstrip()
    parts = [head]
    for suite, rows in groupby(tasks.TABLE, lambda row: row.suite):  # those of the project alone
        about = (inspect.getdoc(import_module(f"ntm_envs.tasks.{suite}")) or "").partition(": ")[2]
        parts.append(f"## Suite {suite}\n\n{about[:1].upper()}{about[1:]}")
        parts += map(_section, rows)
    return "\n\n".join(parts) + "\n"


def _section(row: TaskSpec) -> str:
    task, kind = row.make(), row.make().__class__
    title = task_name(row)
    text = (inspect.getdoc(kind) or "").partition("Example:")[0]
    text = text.replace("``", "`").replace("::\n", ":\n").strip()
    lines = [
        f"### {title}",
        f'<img src="tasks/{row.name}.png" width="40%" align="right" alt="An episode of {title}">',
        f"`{row.env_id}`: {row.summary}.",
        text,
        f"- Inputs: {_names(task.input_channels)}.",
        f"- Answers: {_answers(task)}.",
        f"- Sizes: {training_text(row)} in training; evaluated at {'; '.join(ladder_texts(row))}.",
    ]
    found = [f"`{name}={default!r}`: {about}" for name, default, about in _parameters(kind)]
    bullets = [*lines[4:], *([f"- Parameters: {' '.join(found)}"] if found else [])]
    source = (inspect.getdoc(inspect.getmodule(kind)) or "").partition("Source: ")[2]
    if source:
        bullets.append(f"- Source: {' '.join(source.split())}")
    wrapped = [textwrap.fill(line, 118, subsequent_indent="  ", break_on_hyphens=False) for line in bullets]
    return "\n\n".join(lines[:4]) + "\n\n" + "\n".join(wrapped)


def _answers(task: Any) -> str:
    kind = "bits" if isinstance(task.answers, Bits) else "symbols"
    if isinstance(task, InteractiveTask):
        kind = "actions, each a vector of symbols"
    sizes = task.answers.sizes
    names = _names(task.output_channels)
    return (
        f"{kind}, {names}"
        if set(sizes) == {2}
        else f"{kind}, {names}, of {', '.join(map(str, sizes))} classes"
    )


def _names(channels: tuple[str, ...]) -> str:
    """Return names of channels, with numbered ones as a range."""
    words: list[str] = []
    for name in channels:
        stem = re.sub(r" \w$", "", name)
        alike = [other for other in channels if re.sub(r" \w$", "", other) == stem]
        text = f"`{alike[0]}` to `{alike[-1]}`" if len(alike) > 2 else f"`{name}`"
        if text not in words:
            words.append(text)
    return ", ".join(words)


def _parameters(kind: type[Any]) -> list[tuple[str, Any, str]]:
    """Return the parameters of a task: name, default and description."""
    about = field_docs(kind)
    return [(field.name, field.default, about.get(field.name, "")) for field in fields(kind)]
