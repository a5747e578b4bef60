"""Writes what the documentation says about tasks, from their rows and docstrings.

    .venv/bin/python benchmarks/task_pages.py

writes `docs/tasks.md` and its pictures (the oracle's episodes), and prints the table of README.md. A test
keeps both current.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import fields
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from ntm_envs import tasks
from ntm_envs.answers import Bits
from ntm_envs.tasks import InteractiveTask, TaskSpec
from ntm_leaderboard.cli.report import ladder_texts, training_text
from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import ready

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Write the page and its pictures, and print the table."""
    for row in tasks.TABLE:
        agent, sizes = ready("oracle", row.name).agent, dict.fromkeys(row.training, 8)
        sizes |= {name: 3 for name in ("repeats", "items") if name in sizes}
        watching.record(agent, row.env_id, sizes, 0, [DOCS / "tasks" / f"{row.name}.png"], 8)
    (DOCS / "tasks.md").write_text(page(), encoding="utf-8")
    print(table())


def table() -> str:
    """Return the table of README.md: every task, suite by suite."""
    lines = [
        "| suite | task | environment | an agent has to | trained on | evaluated on |",
        "|---|---|---|---|---|---|",
    ]
    for row in tasks.TABLE:
        cells = [row.suite, f"`{row.name}`", f"`{row.env_id}`", row.summary, training_text(row)]
        lines.append(f"| {' | '.join([*cells, _ladders(row)])} |")
    return "\n".join(lines)


def page() -> str:
    """Return `docs/tasks.md`: what is said above its first suite, and a section for each task."""
    head = (DOCS / "tasks.md").read_text(encoding="utf-8").partition("\n## Suite ")[0].rstrip()
    parts = [head]
    for suite, rows in groupby(tasks.TABLE, lambda row: row.suite):  # those of the project alone
        about = inspect.getdoc(import_module(f"ntm_envs.tasks.{suite}")) or ""
        parts.append(f"## Suite {suite}\n\n{about.partition(': ')[2].capitalize()}")
        parts += map(_section, rows)
    return "\n\n".join(parts) + "\n"


def _section(row: TaskSpec) -> str:
    task, kind = row.make(), row.make().__class__
    title = re.sub(r"^.*/|-v\d+$", "", row.env_id)
    text = (inspect.getdoc(kind) or "").partition("Example:")[0]
    text = text.replace("``", "`").replace("::\n", ":\n").strip()
    lines = [
        f"### {title}",
        f'<img src="tasks/{row.name}.png" width="40%" align="right" alt="An episode of {title}">',
        f"`{row.env_id}`: {row.summary}.",
        text,
        f"- Inputs: {_names(task.input_channels)}.",
        f"- Answers: {_answers(task)}.",
        f"- Sizes: {training_text(row)} in training; evaluated at {_ladders(row)}.",
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


def _ladders(row: TaskSpec) -> str:
    return "; ".join(ladder_texts(row))


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
    """Return the parameters of a task: name, default, and the docstring that stands below each."""
    about: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        if not base.__module__.startswith("ntm_envs."):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                text = getattr(getattr(below, "value", None), "value", None)
                if isinstance(text, str):
                    about[field.target.id] = " ".join(text.split())
    return [(field.name, field.default, about.get(field.name, "")) for field in fields(kind)]


if __name__ == "__main__":
    main()
