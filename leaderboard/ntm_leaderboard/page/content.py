"""The content of a suite's page, which fills its template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.boards import Board, places
from ntm_leaderboard.board.copies import COPY
from ntm_leaderboard.board.rows import BUDGETS, TRACKS, Row, Standing
from ntm_leaderboard.board.statistics import bootstrap_interval, horizon, ladder, learned, primary
from ntm_leaderboard.page.charts import ALL, CHARTED, COSTS, SHOWN, cost_chart, ladder_chart, profile_chart
from ntm_leaderboard.page.figures import COLOURS
from ntm_leaderboard.results import SEEDS, Result, Rung
from ntm_leaderboard.wording import sizes_text, task_title

BASELINE = "lstm"
"""Agent that is always shown, for comparison."""
PROFILE = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
"""Scores at which the details of a row show its performance profile."""
SHAPES = (
    "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z",
    "M-.9,-.9H.9V.9H-.9Z",
    "M0,-1.1L1.1,.9H-1.1Z",
    "M0,-1.25L1.25,0L0,1.25L-1.25,0Z",
    "M0,1.1L1.1,-.9H-1.1Z",
    "M-.4,-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
)
"""SVG paths of the marks of agents in charts and legends."""


def content(board: Board) -> dict[str, Any]:
    """Return the variables of the template."""
    rows = board.listed
    marks: dict[str, dict[str, Any]] = {
        row.agent: {
            "colour": COLOURS[i % len(COLOURS)],
            "shape": SHAPES[(i + i // len(COLOURS)) % len(SHAPES)],  # no two of the first 36 share both
            "dash": [6, 2] if i // len(COLOURS) % 2 else [1, 0],  # lines have no shape
        }
        for i, row in enumerate(rows)
    }
    sections: list[dict[str, Any]] = []
    for spec in board.specs:
        ranking = board.ranking(spec)
        ladders = [_curves(ranking[:CHARTED], spec, size) for size in spec.ladders]
        sections.append(
            {"spec": spec, "ranking": ranking, "places": places(ranking, spec), "ladders": ladders}
            | {"references": [row for row in board.references if spec.env_id in row.standings]}
        )
    profiled = board.ranked[:CHARTED]
    trained = [row for row in rows if most(row.results, "parameters")]
    costs, profiles = _costs(board, trained[:CHARTED]), _profiles(profiled)
    charts = {found["id"]: ladder_chart(found, marks) for part in sections for found in part["ladders"]}
    charts |= {f"cost-{field}": cost_chart(costs, field, marks) for field in COSTS if costs}
    charts |= {"profiles": profile_chart(profiles, marks)} if profiles else {}
    runs = [result for row in rows for result in row.results]
    return {
        "board": board,
        "rows": rows,
        "ranks": places(board.ranked),
        "after": {row.agent: later for row, later in pairwise(board.ranked) if row.track == later.track},
        "tracks": {row.track: TRACKS[row.track] for row in rows},
        "budgets": [*(name for _, name in BUDGETS), "open"],
        "profile": PROFILE,
        "profiled": [row.agent for row in profiled],
        "spec_of": tasks.spec,
        "sizes_text": sizes_text,
        "sections": sections,
        "costs": costs,
        "trained": len(trained),
        "cost_names": COSTS,
        "charts": charts,
        "marks": marks,
        "learned": learned,
        "runs": runs,
        "newest": max((result.created for result in runs), default=None),
        "needed": SEEDS,
        "copy": COPY,
        "shown": SHOWN,
        "baseline": BASELINE,
        "all_tasks": ALL,
    }


def _curves(ranking: Iterable[Row], spec: TaskSpec, size: str) -> dict[str, Any]:
    """Return accuracy against one size of a task: for each seed, their mean, and the references.

    It is the accuracy of sequences or of symbols, by the primary metric of the task.
    """
    results = {row.agent: row.standings[spec.env_id].results for row in ranking}
    rungs = {
        agent: [(result.seed, rung) for result in found for rung in ladder(result, spec, size)]
        for agent, found in results.items()
    }
    every = [rung for found in rungs.values() for _, rung in found]
    values = sorted({rung.sizes[size] for rung in every})
    seeds = [
        {"agent": agent, "seed": seed, "size": rung.sizes[size], "accuracy": primary(rung.score, rung, spec)}
        for agent, found in rungs.items()
        for seed, rung in found
    ]
    means = []
    for agent, found in rungs.items():
        for value in values:
            at = [primary(rung.score, rung, spec) for _, rung in found if rung.sizes[size] == value]
            if not at:
                continue
            low, high = bootstrap_interval(at)
            means.append(
                {"agent": agent, "size": value, "accuracy": float(np.mean(at)), "low": low, "high": high}
            )
    references = [
        {"name": name, "size": value, "accuracy": float(np.mean(at))}
        for name in ("oracle", "uniform")
        for value in values
        if (
            at := [
                primary(rung.references[name], rung, spec)
                for rung in every
                if rung.sizes[size] == value and name in rung.references
            ]
        )
    ]
    return {
        "id": f"{spec.name}-{size}",
        "task": task_title(spec),
        "size": size,
        "trained": spec.largest[size],
        "fixed": {name: value for name, value in spec.largest.items() if name != size},
        "measure": "sequence accuracy" if spec.metric == "sequences" else "symbol accuracy",
        "values": values,
        "agents": list(rungs),
        "seeds": seeds,
        "means": means,
        "points": {(point["agent"], point["size"]): point for point in means},
        "references": references,
    }


def _profiles(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the share of runs above each score, for each agent that is ranked over all tasks.

    The scores are 0, 1 and those of its runs, as the share is constant between them.
    """
    return [
        {"agent": row.agent, "score": score, "share": row.share_above(score)}
        for row in rows
        for score in sorted({0.0, 1.0, *(score for part in row.standings.values() for score in part.scores)})
    ]


def measured(standing: Standing, spec: TaskSpec, played: Sequence[dict[str, int]]) -> dict[str, Any]:
    """Return the measures beside the score on a task.

    They are the mean accuracy at the rungs of the score, the cost in bits above the oracle's of a sequence of
    the largest training size, and, by ladder, the horizons of all seeds.
    """
    rungs = [rung for result in standing.results for rung in result.rungs if rung.sizes in played]
    costs = [
        rung.score.cost_in_bits - (_cost_of_oracle(rung) or 0.0)
        for rung in rungs
        if rung.sizes == spec.largest and rung.score.cost_in_bits is not None
    ]
    return {
        "accuracy": float(
            np.mean([primary(rung.score, rung, spec) for rung in rungs if rung.sizes != spec.largest])
        ),
        "cost": float(np.mean(costs)) if costs else None,
        "horizons": {
            size: [horizon(ladder(result, spec, size), spec, size) for result in standing.results]
            for size in spec.ladders
        },
    }


def _cost_of_oracle(rung: Rung) -> float | None:
    oracle = rung.references.get("oracle")
    return oracle.cost_in_bits if oracle else None


def _costs(board: Board, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return scores and training costs, the largest of any run, by agent, over all tasks and on each.

    Agents that were not trained have no costs. A score over all tasks needs results on all of them.
    """
    found = []
    for row in rows:
        parts = {task_title(spec): row.standings.get(spec.env_id) for spec in board.specs}
        scores = {ALL: row if all(parts.values()) else None, **parts}
        found += [
            {"agent": row.agent, "task": task, "score": scored.score}
            | dict(zip(("low", "high"), scored.interval, strict=True))
            | {field: most(scored.results, field) for field in COSTS}
            for task, scored in scores.items()
            if scored and most(scored.results, "parameters")
        ]
    return found


def most(results: Iterable[Result], field: str) -> float | None:
    """Return the largest value of a field of training; None if nothing was trained."""
    return max((getattr(result.training, field) for result in results if result.training), default=None)
