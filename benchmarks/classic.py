"""The classic table: the NTM and the LSTM on the five tasks of the paper, in the training range and beyond.

    .venv/bin/ntm-envs bench --suite classic
    .venv/bin/ntm-envs submit bench/classic --output leaderboard/results
    .venv/bin/ntm-envs verify leaderboard/results
    .venv/bin/python benchmarks/classic.py

The first command trains and evaluates fifty runs, and continues where it was interrupted. The last reads the
verified results, prints a summary, and writes every size into `docs/results.md`. The measure is the share of
sequences without a wrong bit. Where even the best predictor errs, or one bit more or less says little, it is
the cost of a sequence in bits above the oracle's on the same sequences. Means are over the five seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from seeds import BY_COST, above

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.board.statistics import ladder
from ntm_leaderboard.cli.report import down
from ntm_leaderboard.results import Result, Rung

ROOT = Path(__file__).parents[1]
AGENTS = ("ntm", "lstm")
CLASSIC = tasks.suite("classic")
PAGE = """# Results on the classic suite, at every size

For readers of the leaderboard who want more than a mean score: what `ntm` and `lstm` reach at each size of
the ladders, each trained by the recipe of its task. [How models are evaluated](evaluation.md) explains the
protocol, and [Results by seed](results-by-seed.md) shows ten seeds of each recipe of the NTM.

    ntm-envs leaderboard show --suite classic    # the ranking, from the same results
    python benchmarks/classic.py                 # writes this page

Each cell is the mean of five seeds and, in brackets, the worst of them. The first column is the largest
training size; all others lie beyond the training range. The numbers come from the verified results in
[leaderboard/results](../leaderboard/results).

"""


def main() -> None:
    """Print the summary, and write the page."""
    results = results_in(ROOT / "leaderboard" / "results")
    print(summary(results))
    (ROOT / "docs" / "results.md").write_text(page(results))


def summary(results: Sequence[Result]) -> str:
    """Return a table in Markdown, a line a ladder: its first size, which is in training, second and last."""
    lines = [
        "| task, trained up to | evaluated at | NTM | LSTM | seconds |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for spec in CLASSIC:
        for size in spec.ladders:
            values = [rung[size] for rung in spec.ladders[size]]
            chosen = (values[0], values[1], values[-1])
            what = ": bits above the optimum" if spec.name in BY_COST else ""
            cells = [
                f"{name_of(spec)}, {_sizes(spec)}",
                f"{size} {', '.join(f'{value:,}' for value in chosen)}{what}",
                *(_line(results, agent, spec, size, chosen) for agent in AGENTS),
                ", ".join(_seconds(results, agent, spec) for agent in AGENTS),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def page(results: Sequence[Result]) -> str:
    """Return the text of `docs/results.md`."""
    return f"{PAGE}{tables(results, AGENTS, CLASSIC)}\n"


def tables(results: Sequence[Result], agents: Sequence[str], specs: Sequence[TaskSpec]) -> str:
    """Return a table in Markdown for each ladder, a line an agent: the mean of its seeds, and the worst."""
    parts = []
    for spec in specs:
        for size, rungs in spec.ladders.items():
            values = [rung[size] for rung in rungs]
            what = (
                "bits above the optimum" if spec.name in BY_COST else "share of sequences without a wrong bit"
            )
            head = f"| {size} | " + " | ".join(f"{value:,}" for value in values) + " |"
            lines = [f"**{name_of(spec)}** by {size}, trained up to {_sizes(spec)}: {what}", "", head]
            lines.append("| --- |" + " ---: |" * len(values))
            for agent in agents:
                seeds = [_at(results, agent, spec, size, value) for value in values]
                if any(seeds):
                    cells = " | ".join(_with_worst(spec, found) for found in seeds)
                    lines.append(f"| `{agent}` | {cells} |")
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def name_of(spec: TaskSpec) -> str:
    return spec.env_id.removeprefix("ntm_envs/").partition("-")[0]


def _sizes(spec: TaskSpec) -> str:
    return ", ".join(f"{name} {value}" for name, value in spec.largest.items())


def _at(results: Sequence[Result], agent: str, spec: TaskSpec, size: str, value: int) -> list[float]:
    """Return the measure of each seed at a size."""
    mine = [result for result in results if (result.agent, result.task) == (agent, spec.env_id)]
    measure: Callable[[Rung], float] = (
        (lambda rung: float(above(rung))) if spec.name in BY_COST else (lambda rung: rung.sequence_accuracy)
    )
    rungs = [rung for result in mine for rung in ladder(result, spec, size)]
    return [measure(rung) for rung in rungs if rung.sizes[size] == value]


def _line(results: Sequence[Result], agent: str, spec: TaskSpec, size: str, values: Sequence[int]) -> str:
    return ", ".join(_number(spec, float(np.mean(_at(results, agent, spec, size, v)))) for v in values)


def _with_worst(spec: TaskSpec, seeds: Sequence[float]) -> str:
    if not seeds:
        return ""
    worst = max(seeds) if spec.name in BY_COST else min(seeds)
    return f"{_number(spec, float(np.mean(seeds)))} ({_number(spec, worst)})"


def _number(spec: TaskSpec, value: float) -> str:
    return f"{value:.2f}" if spec.name in BY_COST else down(value)


def _seconds(results: Sequence[Result], agent: str, spec: TaskSpec) -> str:
    mine = [result.training for result in results if (result.agent, result.task) == (agent, spec.env_id)]
    return f"{np.mean([training.seconds for training in mine if training]):.0f}"


if __name__ == "__main__":
    main()
