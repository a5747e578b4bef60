"""A page for each agent and baseline: its model, options, recipes, and scores on the board."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_type_hints

import ntm_agents
import ntm_baselines
from generate import rst
from generate.docstrings import link_pages
from ntm_agents.options import described
from ntm_agents.pretrained import pretrained_tasks
from ntm_agents.protocol import config_class
from ntm_agents.spec import AgentSpec
from ntm_agents.training import learners
from ntm_envs.lookup import load
from ntm_leaderboard.board.boards import Board, Boards
from ntm_leaderboard.docstrings import field_docs, prose, section
from ntm_leaderboard.wording import down, task_name

TABLES = {
    "Memory machines": (ntm_agents.recipes, ntm_agents.TABLE),
    "Baselines": (ntm_baselines.recipes, ntm_baselines.TABLE),
}


SCORES = """Means of the seeds, beyond the training range: 0 is the best constant output, 1 the oracle
(:doc:`/evaluation`). The :doc:`leaderboard </generated/leaderboard/index>` has them at every size."""
LEARNERS = {
    module.ROW.name: prose(module)
    for package in learners.PACKAGES
    for file in iter_modules(import_module(package).__path__)
    if hasattr(module := import_module(f"{package}.{file.name}"), "ROW")
}
"""What the files of learners tell of them, the source included."""
ARGUMENT = re.compile(r"^(\w+): (.+(?:\n +.+)*)", re.MULTILINE)
"""A line of the section ``Args`` of a docstring, and what continues it."""


def link(agent: str) -> str:
    """Return a link to the page of an agent; agents of others have none."""
    known = any(agent == row.name for _, rows in TABLES.values() for row in rows)
    return f":doc:`{agent} </generated/agents/{agent}>`" if known else f"``{agent}``"


def write(folder: Path) -> None:
    """Write a page for each agent."""
    boards = Boards.read().by_suite
    parts = []
    for title, (recipes, rows) in TABLES.items():
        source = Path(recipes.__path__[0])
        for row in rows:
            write_agent(folder / f"{row.name}.rst", row, boards, source / f"{row.name.replace('-', '_')}.py")
        cells = [(link(row.name), row.summary) for row in rows]
        pages = rst.toctree(*(row.name for row in rows), hidden=True)
        parts += [rst.heading(title, 1), rst.table(["agent", "what it is"], cells), pages]
    rst.write(folder / "index.rst", rst.heading("All agents"), *parts)


def write_agent(path: Path, row: AgentSpec, boards: dict[str, Board], recipes: Path) -> None:
    """Write the page of an agent."""
    entry = load(row.entry)
    parts = [rst.heading(row.name), f"{row.summary[:1].upper()}{row.summary[1:]}."]
    if row.learns:
        parts += _commands(row.name)
    parts += [*_scores(row.name, boards), rst.heading("Definition", 1), *_described(entry)]
    if row.learns:
        parts += [*_options(entry), rst.heading("Recipes", 1), *_training(row)]
        parts += _sources(recipes, path.parent)
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
    pretrained = f"Pretrained for {', '.join(trained)} (:doc:`/generated/machines/index`)."
    return [rst.literal("\n".join(lines), "bash"), pretrained]


def _training(row: AgentSpec) -> list[str]:
    """Return an introduction to the recipes: their learners, and links to all options of these."""
    parts = ["The options of the model and of its training by task or suite, with the reasons for them."]
    for name in {recipe.learner: None for recipe in (*row.recipes.values(), row.default)}:
        kind = learners.find(name).config
        options = f":py:obj:`{kind.__name__} <{kind.__module__}.{kind.__name__}>`"
        parts += [f"Learner ``{name}``: {LEARNERS[name]}", f"All its options: {options}."]
    return parts


def _sources(recipes: Path, folder: Path) -> list[str]:
    """Return the file of recipes, and those that it imports; those of another agent as a link to its page."""
    parts = [f".. literalinclude:: {os.path.relpath(recipes, folder)}\n   :language: python"]
    for statement in ast.parse(recipes.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and ".recipes" in str(statement.module):
            package, _, name = str(statement.module).partition(".recipes")
            for stem in [name[1:]] if name else [alias.name for alias in statement.names]:
                if row := getattr(import_module(f"{package}.recipes.{stem}"), "ROW", None):
                    parts.append(f"It takes a part of the recipes of :doc:`{row.name}`.")
                else:
                    parts += [f"``{stem}.py``:", *_sources(recipes.with_name(f"{stem}.py"), folder)]
    return parts


def _described(entry: Any) -> list[str]:
    """Return what docstrings tell of a function, or of a model and of the models that it extends."""
    kinds = [kind for kind in inspect.getmro(entry) if _is_model(kind)] if inspect.isclass(entry) else [entry]
    parts = []
    for kind in kinds:
        name, (_, _, notes) = kind.__name__, prose(inspect.getmodule(kind)).partition("\n\n")
        parts += [rst.heading(name, 2), f".. py:currentmodule:: {kind.__module__}", prose(kind), notes]
        parts.append(f"Source code: :py:obj:`{kind.__module__}.{name}`.")
    return [link_pages(part) for part in parts]


def _is_model(kind: type[Any]) -> bool:
    own = kind.__module__.startswith("ntm_") and not inspect.isabstract(kind)
    return own and hasattr(kind, "initial_state")


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
    return [rst.heading("Scores", 1), SCORES, *parts] if parts else []


def _options(model: Any) -> list[str]:
    config = config_class(model)
    arguments = {name: " ".join(text.split()) for name, text in ARGUMENT.findall(section(model, "Args"))}
    about = arguments | field_docs(config)
    hints = get_type_hints(config, include_extras=True)
    rows = [
        (f"``{f.name}={f.default!r}``", f"{about[f.name]} Values: {_values(hints[f.name])}.")
        for f in dataclasses.fields(config)
    ]
    return [rst.heading("Options", 1), rst.definitions(rows)] if rows else []


def _values(hint: Any) -> str:
    """Return the values that a type permits, strings as code."""
    return re.sub(r"('[^']*')", r"``\1``", described(hint))
