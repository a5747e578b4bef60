"""A page for each agent and baseline: its model, options, recipes, and scores on the board."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
from pathlib import Path
from typing import Any, get_type_hints

import ntm_agents
import ntm_baselines
from generate import rst
from generate.docstrings import link_pages
from ntm_agents.options import described
from ntm_agents.pretrained import pretrained_tasks
from ntm_agents.protocol import config_class
from ntm_agents.spec import AgentSpec
from ntm_envs.lookup import load
from ntm_leaderboard.board.boards import Board, Boards
from ntm_leaderboard.docstrings import field_docs, prose
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
    parts = [rst.heading(row.name), f"{row.summary[:1].upper()}{row.summary[1:]}."]
    if row.learns:
        parts += _commands(row.name)
    parts += [*_scores(row.name, boards), rst.heading("Definition", 1), *_described(entry)]
    if row.learns:
        source = f".. literalinclude:: {os.path.relpath(recipes, path.parent)}"
        parts += [*_options(entry), rst.heading("Recipes", 1), _training(row), source]
    rst.write(path, *parts)


def _commands(agent: str) -> list[str]:
    """Return commands that train and evaluate an agent, and show a pretrained one at work if there is any."""
    lines = [
        f"ntm-envs train --agent {agent} --task copy --output runs/{agent}",
        f"ntm-envs evaluate runs/{agent}",
    ]
    if not (trained := pretrained_tasks(agent)):
        return [rst.literal("\n".join(lines), "bash")]
    lines.append(f"ntm-envs watch --agent {agent} --task {trained[0]}  # pretrained")
    return [rst.literal("\n".join(lines), "bash"), f"Pretrained for {', '.join(trained)}."]


def _training(row: AgentSpec) -> str:
    """Return an introduction to the recipes, with links to all options of the training."""
    kinds = {type(recipe.train): None for recipe in (*row.recipes.values(), row.default)}
    links = (f":py:obj:`{kind.__name__} <{kind.__module__}.{kind.__name__}>`" for kind in kinds)
    return (
        "The options of the model and of its training by task or suite, with the reasons for them. "
        f"All options of the training: {', '.join(links)}."
    )


def _described(entry: Any) -> list[str]:
    """Return what docstrings tell of a function, or of a model and of the models that it extends."""
    kinds = [kind for kind in inspect.getmro(entry) if _is_model(kind)] if inspect.isclass(entry) else [entry]
    parts = []
    for kind in kinds:
        name, (_, _, notes) = kind.__name__, prose(inspect.getmodule(kind)).partition("\n\n")
        parts += [rst.heading(name, 2), f".. py:currentmodule:: {kind.__module__}", prose(kind), notes]
        parts.append(f"Source code: :py:obj:`{kind.__module__}.{name}`.")
    return list(map(link_pages, parts))


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
    about = "Scores count sizes beyond the training range: 0 is the best constant output, 1 the oracle"
    return [rst.heading("Scores", 1), f"{about} (:doc:`/evaluation`).", *parts] if parts else []


def _options(model: Any) -> list[str]:
    config = config_class(model)
    about, hints = field_docs(config), get_type_hints(config, include_extras=True)
    rows = [
        (f"``{f.name}={f.default!r}``", f"{about.get(f.name, '')} Values: {_values(hints[f.name])}.")
        for f in dataclasses.fields(config)
    ]
    return [rst.heading("Options", 1), rst.definitions(rows)] if rows else []


def _values(hint: Any) -> str:
    """Return the values that a type permits, strings as code."""
    return re.sub(r"('[^']*')", r"``\1``", described(hint))
