"""The tables of `docs/results-formal.md`: models by tasks of the suite `formal`, level by level.

Our figures are means of enough seeds for a rank, at multiples of the largest training size. Published figures
stand beside ours of the same protocol (:mod:`ntm_leaderboard.harness.protocols`), in italics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.statistics import ladder
from ntm_leaderboard.documents.markdown import table
from ntm_leaderboard.harness.protocols import PROTOCOLS
from ntm_leaderboard.results import SEEDS, Result, Rung
from ntm_leaderboard.wording import down, task_name

AGENTS = (
    *("ntm-one", "dnc", "sam", "stack-rnn", "tape-rnn", "tape-rnn-jump"),
    *("lstm", "gru", "rnn", "deltanet", "transformer"),
)
"""Agents with results on enough tasks, in the order of the lines."""
LEVELS = {1: "Regular", 2: "Context-free", 3: "Context-sensitive", 4: "Words of a group"}
"""Levels of the hierarchy, by the tens of a task's place in the suite."""
FACTORS = (1, 2.5, 5, 10)
"""Multiples of the largest training size that tables show."""
MEASURES: Mapping[str, Callable[[Rung], float]] = {
    "share of correct tokens": lambda rung: rung.symbol_accuracy,
    "share of sequences without a wrong token": lambda rung: rung.sequence_accuracy,
}


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published table.

    Attributes:
        source: Publication, and where in it the table is.
        protocol: Name of the protocol with which it can be compared.
        statistic: How its figures come from runs.
        tasks: Names of our tasks that have the definitions of its columns.
        figures: Mean token accuracy in per cent, a figure for each task, by model.
    """

    source: str
    protocol: str
    statistic: str
    tasks: tuple[str, ...]
    figures: Mapping[str, tuple[float, ...]]


PD_SSM = Published(
    source="PD-SSM (NeurIPS 2025), table of the authors' repository IBM/expressive-sparse-state-space-model",
    protocol="lengths-40-256",
    statistic="mean of five seeds",
    tasks=("cycle_navigation", "even_pairs", "modular_arithmetic", "parity"),
    figures={
        "LSTM": (100, 100, 99.9, 100),
        "Transformer": (24.4, 90.4, 23.6, 52.2),
        "Mamba": (50.7, 100, 38.1, 54.5),
        "DeltaNet": (49.0, 100, 44.2, 58.4),
        "Gated DeltaNet": (55.9, 100, 49.9, 56.6),
        "DeltaNet, eigenvalues in [-1, 1]": (47.3, 100, 63.9, 97.2),
        "Gated DeltaProduct, eigenvalues in [-1, 1]": (61.4, 99.6, 58.0, 98.8),
        "PD-SSM": (99.5, 99.7, 96.2, 99.9),
    },
)


def hierarchy_tables(results: Sequence[Result], agents: Sequence[str]) -> str:
    """Return two tables for each level, of tokens and of sequences: a line an agent, a column a task.

    A cell has the means at all `FACTORS`. It is empty if there are fewer seeds than a rank takes.

    Args:
        results: Results on the ladders.
        agents: Names of agents, in the order of the lines.
    """
    parts = []
    for level, name in LEVELS.items():
        specs = [spec for spec in tasks.suite("formal") if spec.order // 10 == level]
        for measure, of_rung in MEASURES.items():
            rows = [
                [f"`{agent}`", *(_cell(_seeds(results, agent, spec), spec, of_rung) for spec in specs)]
                for agent in agents
            ]
            if filled := [row for row in rows if any(row[1:])]:
                where = ", ".join(f"{factor:g}" for factor in FACTORS)
                title = f"**{name}**: {measure}, at {where} times the largest training size"
                parts.append(f"{title}\n\n{_models_by_tasks(specs, filled)}")
    return "\n\n".join(parts)


def comparison(published: Published, results: Sequence[Result], agents: Sequence[str]) -> str:
    """Return the table of our agents, and below them the published figures in italics, in per cent.

    Args:
        published: The published figures.
        results: Results by their protocol, not on the ladders.
        agents: Names of agents, in the order of the lines.
    """
    specs, protocol = [tasks.spec(name) for name in published.tasks], PROTOCOLS[published.protocol]
    rows = []
    for agent in agents:
        of_tasks = [_seeds(results, agent, spec) for spec in specs]
        means = [
            f"{100 * np.mean(list(map(protocol.accuracy, seeds))):.1f}" if seeds else "" for seeds in of_tasks
        ]
        if any(means):
            rows.append([f"`{agent}`", *means])
    rows += [
        [f"*{model}*", *(f"*{figure:.1f}*" for figure in found)] for model, found in published.figures.items()
    ]
    title = (
        f"**Mean token accuracy in per cent, lengths {protocol.shortest} to {protocol.longest}**; in "
        f"italics, published figures: {published.source}, {published.statistic}"
    )
    return f"{title}\n\n{_models_by_tasks(specs, rows)}"


def _models_by_tasks(specs: Sequence[TaskSpec], rows: Sequence[Sequence[str]]) -> str:
    head = ["model", *map(task_name, specs)]
    return table(head, rows, ["---", *["---:"] * len(specs)])


def _seeds(results: Sequence[Result], agent: str, spec: TaskSpec) -> list[Result]:
    """Return an agent's results on a task; none if they are fewer than a rank takes."""
    found = [result for result in results if (result.agent, result.task) == (agent, spec.env_id)]
    return found if len(found) >= SEEDS else []


def _cell(seeds: Sequence[Result], spec: TaskSpec, of_rung: Callable[[Rung], float]) -> str:
    """Return the means over seeds at all factors; nothing if a rung is missing."""
    ((size, largest),) = spec.largest.items()
    by_size = [{rung.sizes[size]: of_rung(rung) for rung in ladder(result, spec, size)} for result in seeds]
    wanted = [int(factor * largest) for factor in FACTORS]
    if not by_size or any(value not in found for found in by_size for value in wanted):
        return ""
    return " ".join(down(float(np.mean([found[value] for found in by_size]))) for value in wanted)
