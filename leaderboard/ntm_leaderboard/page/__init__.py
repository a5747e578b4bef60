"""The board as a web page: a folder that opens from a disk, and from any host of static files.

    build(Board.read(Path("bench/classic")), Path("site"))

writes `index.html`, which holds all numbers, with `page.css`, `page.js`, and `vega.js`, which draws charts.
The page asks no other host for anything, and without JavaScript its tables are still there. Here is what it
says, in `charts.py` what its charts look like, and in `index.html.j2` what stands where.

Names of agents are other people's text: the template escapes all of it, and so does the embedded JSON.
"""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import vl_convert

from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board import SEEDS, Board, Row
from ntm_leaderboard.figures import COLOURS
from ntm_leaderboard.page.charts import ALL, COSTS, SHOWN, cost_chart, ladder_chart
from ntm_leaderboard.report import down
from ntm_leaderboard.results import Result, Rung, Score
from ntm_leaderboard.statistics import bootstrap_interval, ladder, learned

__all__ = ["build"]

HERE = Path(__file__).parent
GENERATOR = '<meta name="generator" content="ntm-envs leaderboard">'
"""How a page that was made here is told from others."""
FILES = frozenset({"index.html", "page.css", "page.js", "vega.js"})

SHAPES = (
    "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "M-.9,-.9H.9V.9H-.9Z",
    "M0,-1.1L1.1,.9H-1.1Z",
    "M0,-1.25L1.25,0L0,1.25L-1.25,0Z",
    "M0,1.1L1.1,-.9H-1.1Z",
    "M-.4,-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
)
"""SVG paths of the marks of agents, in charts and legends."""


def build(board: Board, output: Path) -> Path:
    """Write a board as a static site, in place of the one that was there.

    Args:
        board: What is shown.
        output: The folder of the site.

    Returns:
        The path of its `index.html`.

    Raises:
        ValueError: If there is something at `output` that was not made here.
    """
    if output.exists() and not _made_here(output):
        raise ValueError(
            f"{output} is there, and it is not a leaderboard's page alone; name another folder, or remove it"
        )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"down": down, "title": _title, "command": _command, "most": _most}
    html = environment.get_template("index.html.j2").render(_content(board))
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".") as temporary:
        site = Path(temporary) / "site"
        site.mkdir()
        (site / "index.html").write_text(html, encoding="utf-8")
        vega = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        (site / "vega.js").write_text(vega, encoding="utf-8")
        for name in ("page.css", "page.js"):
            shutil.copyfile(HERE / name, site / name)
        if output.exists():
            output.rename(Path(temporary) / "old")
        site.rename(output)
    return output / "index.html"


def _made_here(output: Path) -> bool:
    """Tell whether there is nothing but such a page, or nothing at all, in a folder."""
    if not output.is_dir():
        return False
    names = {path.name for path in output.iterdir()}
    return not names or (
        names == FILES and GENERATOR in (output / "index.html").read_text(encoding="utf-8", errors="replace")
    )


def _content(board: Board) -> dict[str, Any]:
    """Return what the template is filled with."""
    rows = board.listed
    marks = {
        row.agent: {
            "colour": COLOURS[i % len(COLOURS)],
            "shape": SHAPES[(i + i // len(COLOURS)) % len(SHAPES)],  # no two of the first 36 share both
        }
        for i, row in enumerate(rows)
    }
    sections: list[dict[str, Any]] = []
    for spec in board.specs:
        ranking = board.ranking(spec)
        ladders = [_curves(ranking, spec, size) for size in spec.ladders]
        sections.append({"spec": spec, "ranking": ranking, "ladders": ladders})
    costs = _costs(board, rows)
    charts = {found["id"]: ladder_chart(found, marks) for part in sections for found in part["ladders"]}
    charts |= {f"cost-{field}": cost_chart(costs, field, marks) for field in COSTS if costs}
    runs = [result for row in rows for result in row.results]
    return {
        "generator": GENERATOR,
        "board": board,
        "rows": rows,
        "ranks": {row.agent: rank for rank, row in enumerate(board.ranked, 1)},
        "sections": sections,
        "costs": costs,
        "cost_names": COSTS,
        "charts": charts,
        "marks": marks,
        "learned": learned,
        "runs": runs,
        "newest": max((result.created for result in runs), default=None),
        "needed": SEEDS,
        "shown": SHOWN,
        "all_tasks": ALL,
    }


def _curves(ranking: Iterable[Row], spec: TaskSpec, size: str) -> dict[str, Any]:
    """Return accuracy against one size of a task: of each seed, its mean over seeds, and of references.

    It is that of sequences, or that of bits where the oracle itself errs and gets hardly a sequence right.
    """
    results = {row.agent: row.standings[spec.env_id].results for row in ranking}
    rungs = {
        agent: [(result.seed, rung) for result in found for rung in ladder(result, spec, size)]
        for agent, found in results.items()
    }
    every = [rung for found in rungs.values() for _, rung in found]
    values = sorted({rung.sizes[size] for rung in every})
    errs = any(rung.references["oracle"].wrong_bits for rung in every)

    def accuracy(score: Score, rung: Rung) -> float:
        return 1 - score.wrong_bits / rung.bits if errs else score.all_right / rung.sequences

    seeds = [
        {"agent": agent, "seed": seed, "size": rung.sizes[size], "accuracy": accuracy(rung.score, rung)}
        for agent, found in rungs.items()
        for seed, rung in found
    ]
    means = []
    for agent, found in rungs.items():
        for value in values:
            at = [accuracy(rung.score, rung) for _, rung in found if rung.sizes[size] == value]
            low, high = bootstrap_interval(at)
            means.append(
                {"agent": agent, "size": value, "accuracy": float(np.mean(at)), "low": low, "high": high}
            )
    references = [
        {"name": name, "size": value, "accuracy": float(np.mean(at))}
        for name in ("oracle", "coin-flips")
        for value in values
        if (
            at := [
                accuracy(rung.references[name], rung)
                for rung in every
                if rung.sizes[size] == value and name in rung.references
            ]
        )
    ]
    return {
        "id": f"{spec.name}-{size}",
        "task": _title(spec),
        "size": size,
        "trained": spec.largest[size],
        "fixed": {name: value for name, value in spec.largest.items() if name != size},
        "measure": "bits right" if errs else "sequences all right",
        "values": values,
        "agents": list(rungs),
        "seeds": seeds,
        "means": means,
        "references": references,
    }


def _costs(board: Board, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return scores and what training took, the most of any run, of each agent, over all tasks and on each.

    Only agents that were trained here and have results on all tasks have a score over all tasks.
    """
    found = []
    for row in rows:
        parts = {_title(spec): row.standings.get(spec.env_id) for spec in board.specs}
        scores = {ALL: row if all(parts.values()) else None, **parts}
        found += [
            {"agent": row.agent, "task": task, "score": scored.score}
            | dict(zip(("low", "high"), scored.interval, strict=True))
            | {field: _most(scored.results, field) for field in COSTS}
            for task, scored in scores.items()
            if scored and _most(scored.results, "parameters")
        ]
    return found


def _title(spec: TaskSpec) -> str:
    """Return a task's name for people: ``Repeat Copy``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"^.*/|-v\d+$", "", spec.env_id))


def _most(results: Iterable[Result], field: str) -> float | None:
    """Return the most of something that a training of these took; None if nothing was trained."""
    return max((getattr(result.training, field) for result in results if result.training), default=None)


def _command(result: Result, spec: TaskSpec) -> str | None:
    """Return the command that trains this again, for agents that come with the project."""
    if result.training is None or not result.entry.startswith(("ntm_agents.", "ntm_baselines.")):
        return None
    return shlex.join(
        ["ntm-envs", "train", "--agent", result.agent, "--task", spec.name, "--seed", str(result.seed)]
    )
