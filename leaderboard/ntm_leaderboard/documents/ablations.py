"""The tables of `docs/ablations.md`: recipes without each of their ingredients, from a log of runs.

A line of the log is a run: the recipe (by a digest), the ingredient that it lacks, the options that take it
away, the seed, and, by size, the number of wrong sequences and the cost in bits above the oracle's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.documents.markdown import by_cost, table

WHOLE = "nothing"
"""The ingredient that the whole recipe lacks."""


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; none if there is no such file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def of_one_recipe(lines: Sequence[dict[str, Any]], present: str) -> list[dict[str, Any]]:
    """Return the lines of the present recipe or, if there are none, of the one that was logged last.

    Args:
        lines: Lines of a log.
        present: The digest of the present recipe.
    """
    recipes = [line["recipe"] for line in lines]
    shown = present if present in recipes else next(reversed(recipes), None)
    return [line for line in lines if line["recipe"] == shown]


def ablation_table(spec: TaskSpec, lines: Sequence[dict[str, Any]]) -> str:
    """Return the table of a task, a line an ingredient, seed by seed.

    Options that the whole recipe has as well, such as a smaller budget, are left out.

    Args:
        spec: The task.
        lines: Lines of one recipe.
    """
    sizes = sorted({int(size) for line in lines for size in line.get("rungs", ())})
    common = next((line["options"] for line in lines if line["ingredient"] == WHOLE), "")
    rows = []
    for ingredient in dict.fromkeys(line["ingredient"] for line in lines):
        runs = sorted((run for run in lines if run["ingredient"] == ingredient), key=lambda run: run["seed"])
        cells = [", ".join(_cell(run, size, by_cost(spec)) for run in runs) for size in sizes]
        options = runs[0]["options"].removeprefix(common).strip()
        rows.append([ingredient, *cells, f"`{options}`" if options else ""])
    head = ["without", *(f"{size:,}" for size in sizes), "options"]
    return table(head, rows, ["---"] * len(head))


def _cell(run: dict[str, Any], size: int, cost: bool) -> str:
    return str(run["rungs"][str(size)][cost]) if "rungs" in run else "failed"
