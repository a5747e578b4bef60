"""A page for each agent and baseline: its model, options, recipes, and scores on the board."""

from __future__ import annotations

import dataclasses
import inspect
import os
from pathlib import Path
from typing import Any

from sphinx.ext.napoleon.docstring import GoogleDocstring

import ntm_agents
import ntm_baselines
from generate import rst
from ntm_agents.protocol import config_class
from ntm_agents.spec import AgentSpec
from ntm_envs.lookup import load
from ntm_leaderboard.board.boards import Board, Boards
from ntm_leaderboard.docstrings import field_docs
from ntm_leaderboard.wording import down, task_name

TABLES = {
    "Memory machines": (ntm_agents.recipes, ntm_agents.TABLE),
    "Baselines": (ntm_baselines.recipes, ntm_baselines.TABLE),
}


def write(folder: Path) -> None:
    """Write a page for each agent."""
    boards = Boards.read().by_suite
    parts = []
    for title, (recipes, rows) in TABLES.items():
        source = Path(recipes.__path__[0])
        for row in rows:
            write_agent(folder / f"{row.name}.rst", row, boards, source / f"{row.name.replace('-', '_')}.py")
        parts += [rst.heading(title, 1), rst.toctree(*(row.name for row in rows))]
    rst.write(folder / "index.rst", rst.heading("Agents"), *parts)


def write_agent(path: Path, row: AgentSpec, boards: dict[str, Board], recipes: Path) -> None:
    """Write the page of an agent."""
    entry = load(row.entry)
    described = [rst.heading("Definition", 1), *_described(entry)]
    if row.learns:
        source = f".. literalinclude:: {os.path.relpath(recipes, path.parent)}"
        described += [*_options(entry), rst.heading("Recipes", 1), source]
    rst.write(path, rst.heading(row.name), f"{row.summary}.", *_scores(row.name, boards), *described)


def _described(entry: Any) -> list[str]:
    """Return the docstring of a function, or of a model and of the models that it extends."""
    kinds = [kind for kind in inspect.getmro(entry) if _is_model(kind)] if inspect.isclass(entry) else [entry]
    parts = []
    for kind in kinds:
        parts += [rst.heading(kind.__name__, 2), str(GoogleDocstring(inspect.getdoc(kind) or ""))]
    return parts


def _is_model(kind: type[Any]) -> bool:
    return kind.__module__.startswith("ntm_") and not inspect.isabstract(kind)


def _scores(name: str, boards: dict[str, Board]) -> list[str]:
    parts = []
    for suite, board in boards.items():
        for row in board.rows:
            if row.agent == name:
                cells = [
                    (
                        f":doc:`{task_name(spec)} <../tasks/{suite}/{spec.name}>`",
                        down(row.standings[spec.env_id].score),
                    )
                    for spec in board.specs
                    if spec.env_id in row.standings
                ]
                parts += [f"Suite {suite}:", rst.table(["task", "score"], cells)]
    return [rst.heading("Scores", 1), *parts] if parts else []


def _options(model: Any) -> list[str]:
    config = config_class(model)
    about = field_docs(config)
    rows = [
        (f"``{field.name}``", f"``{field.default!r}``", about.get(field.name, ""))
        for field in dataclasses.fields(config)
    ]
    return [rst.heading("Options", 1), rst.table(["option", "default", "meaning"], rows)] if rows else []
