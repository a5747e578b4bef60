"""What the command line shows: progress while something runs, and tables of what came of it."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ntm_agents import Run
from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.boards import SEEDS, Board, Boards, places
from ntm_leaderboard.board.rows import TRACKS, Row, Standing
from ntm_leaderboard.board.statistics import horizon, ladder
from ntm_leaderboard.results import Result, Rung

PLAIN_SECONDS = 10.0
"""Seconds between lines of progress where there is no terminal to draw on."""


@contextmanager
def training_display(
    console: Console, run: Run, restarted_at: int = 0
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Show how a training run goes: yields what to call with each line of its metrics."""
    learner = run.learner_row()
    unit, budget, measure = learner.unit, learner.budget_of(run.train), learner.measure
    total = restarted_at + budget
    bar = Progress(
        TextColumn(f"{{task.completed:,.0f}} of {{task.total:,.0f}} {unit}"),
        BarColumn(),
        TextColumn(
            f"{{task.fields[speed]}}  {measure} {{task.fields[measured]}}  accuracy {{task.fields[accuracy]}}"
        ),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        shown = bar.add_task("training", total=total, speed="", measured="–", accuracy="–")
        first: tuple[float, int] | None = None
        printed = time.monotonic()
        latest: dict[str, Any] = {"measured": "–", "accuracy": "–"}

        def display(metrics: Mapping[str, Any]) -> None:
            nonlocal first, printed, total
            seen, now = metrics[unit], time.monotonic()
            first = first or (now, seen)
            if metrics.get(measure) is not None:
                latest["measured"] = f"{metrics[measure]:.4f}"
            if "validation_accuracy" in metrics:
                latest["accuracy"] = f"{metrics['validation_accuracy']:.3f}"
            if "dropped" in metrics:
                console.print(f"[yellow]update {metrics['update']} was not finite and was dropped[/]")
            if "restarts" in metrics:
                console.print(f"[yellow]stuck at {seen:,} sequences: starting again from new weights[/]")
                total = seen + budget
            if "rollbacks" in metrics:
                console.print(f"[yellow]lost at {seen:,} sequences: going back to the best weights[/]")
            speed = f"{(seen - first[1]) / (now - first[0]):,.0f}/s" if now > first[0] else ""
            bar.update(shown, completed=seen, total=total, speed=speed, **latest)
            if not console.is_terminal and now - printed > PLAIN_SECONDS:
                printed = now
                console.print(
                    f"{seen:,} of {total:,} {unit}  {speed}  {measure} {latest['measured']}  "
                    f"accuracy {latest['accuracy']}"
                )

        yield display


@contextmanager
def tensorboard_log(folder: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Write TensorBoard's event files too: yields what to call with each line of a run's metrics."""
    from torch.utils.tensorboard import SummaryWriter  # of the extra `all`

    with SummaryWriter(folder) as writer:

        def log(metrics: Mapping[str, Any]) -> None:
            for name, value in metrics.items():
                if isinstance(value, int | float) and name not in ("update", "sequences"):
                    writer.add_scalar(name, value, metrics["sequences"])

        yield log


@contextmanager
def evaluation_display(console: Console) -> Iterator[Callable[[Rung], None]]:
    """Show which rung has been played: yields what to call with each."""
    with console.status("playing the ladder") as status:

        def display(rung: Rung) -> None:
            text = f"{sizes_text(rung.sizes)}: sequence accuracy {rung.sequence_accuracy:.3f}"
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        yield display


def print_result(console: Console, result: Result) -> None:
    """Print a table for each ladder of a result: everything that was measured, a line a rung."""
    spec, references = tasks.spec(result.task), tuple(result.rungs[0].references)
    for size in spec.ladders:
        rungs = ladder(result, spec, size)
        if not rungs:
            continue
        title = f"{result.agent} on {result.task} along {size}, trained up to {spec.largest[size]}"
        table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=0)
        for column in (size, "all right", "symbols right", "return", "cost in bits", *references):
            table.add_column(column, justify="right")
        for rung in rungs:
            score, oracle = rung.score, rung.references.get("oracle")
            cost = "–" if score.cost_in_bits is None else f"{score.cost_in_bits:.2f}"
            if spec.metric == "cost" and oracle and oracle.cost_in_bits is not None:
                cost += f" ({oracle.cost_in_bits:.2f})"
            table.add_row(
                str(rung.sizes[size]),
                down(rung.sequence_accuracy),
                down(rung.symbol_accuracy),
                f"{score.mean_return:.3f}",
                cost,
                *(f"{rung.references[name].mean_return:.3f}" for name in references),
            )
        console.print(table)
        console.print(f"horizon along {size}: {horizon(rungs, spec, size)}\n", highlight=False)
    console.print(
        "all right: the share of sequences without a single wrong symbol (or bit). "
        "cost in bits: of a sequence, in brackets the lowest possible if it is not 0. "
        f"{', '.join(references)}: their return on the same sequences. "
        "horizon: the last size up to which 0.99 of what the oracle reaches is reached.",
        style="dim",
    )


def print_results(console: Console, results: Sequence[Result]) -> None:
    """Print a table for each ladder: each seed's sequence accuracy, and wrong symbols of a sequence."""
    by_task: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_task[result.task].append(result)
    for env_id, group in by_task.items():
        spec = tasks.spec(env_id)
        for size in spec.ladders:
            rows = [(result, rungs) for result in group if (rungs := ladder(result, spec, size))]
            if rows:
                console.print(_ladder_table(spec, size, rows))
    console.print(
        "Above, the share of sequences without a wrong symbol; below, the mean number of wrong symbols.\n"
        "The horizon is the last size up to which a run is at 0.99 or above.",
        style="dim",
    )


def print_boards(console: Console, boards: Boards) -> None:
    """Print the ranking of each suite."""
    for task in boards.left_out:
        console.print(
            f"Results on {task} are left out, as nobody here knows it; name it: --tasks FILE.py:ROW",
            highlight=False,
            markup=False,
        )
    for board in boards.by_suite.values():
        _print_board(console, board)
    if boards.by_suite:
        console.print(
            "Above, the score of what is longer than in training: 0 is the mean return of the best constant "
            "output, and 1 that of the oracle; below, that of the largest training size, and under all the "
            f"95 % interval over seeds. A rank needs {SEEDS} seeds on every task, and is that among agents "
            "that have learnt from the same.",
            style="dim",
        )


def _print_board(console: Console, board: Board) -> None:
    """Print the ranking over all tasks of a suite: a line an agent, with its score on each task."""
    title = f"scores, suite {board.suite}"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("agent", overflow="fold")  # what narrow terminals fold, for numbers to stay whole
    for name in ("all", *(spec.name for spec in board.specs), "seeds"):
        table.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    ranks = places(board.ranked)
    for row in (*board.listed, *board.references):
        standings = [row.standings.get(spec.env_id) for spec in board.specs]
        there = [standing for standing in standings if standing]
        low, high = row.interval
        reference = row in board.references
        status = "claimed" if row.status == "self-reported" else row.status
        whole = f"{down(row.score)}\n[dim]{down(low)}–{down(high)}[/]" if all(standings) else "–"
        table.add_row(
            str(ranks.get(row.agent, "")),
            "\n[dim]".join([row.agent, *([] if reference else _remarks(row))]),
            down(row.score) if reference and all(standings) else whole,
            *(_standing_cell(standing) for standing in standings),
            "" if reference else f"{min(len(standing.scores) for standing in there)}\n[dim]{status}[/]",
            style="dim" if reference else "bold" if row.own else None,
        )
    console.print(table)
    for row in (row for row in board.rows if row.own):
        for spec in (spec for spec in board.specs if spec.env_id in row.standings):
            others = [other for other in board.ranking(spec) if other.track == row.track]
            place = places(others, spec)[row.agent]
            console.print(f"{row.agent}: {place} of {len(others)} on {spec.name}", highlight=False)
    for task, ladders in board.shortened.items():
        shown = " and ".join(f"{size} {', '.join(map(str, values))}" for size, values in ladders.items())
        console.print(
            f"On {task}, scores are over {shown} alone, on which all have been evaluated.", highlight=False
        )


def _remarks(row: Row) -> list[str]:
    """Say what an agent is not to be compared by without a second look."""
    return [
        *([TRACKS[row.track]] if row.track != "supervised" else []),
        *row.privileges,
        *filter(None, [row.held]),
    ]


def _standing_cell(standing: Standing | None) -> str:
    if standing is None:
        return "–"
    below = f"\n[dim]{down(float(np.mean(standing.learned)))}[/]" if standing.learned else ""
    return f"{down(standing.score)}{below}"


def _ladder_table(spec: TaskSpec, size: str, rows: list[tuple[Result, list[Rung]]]) -> Table:
    title = f"{spec.env_id} along {size}, trained up to {spec.largest[size]}"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=0)
    values = sorted({rung.sizes[size] for _, rungs in rows for rung in rungs})
    table.add_column("agent", no_wrap=True)
    table.add_column("seed", justify="right", no_wrap=True)
    for value in values:
        table.add_column(str(value), justify="right", no_wrap=True)
    table.add_column("horizon", justify="right", no_wrap=True)
    agents = list(dict.fromkeys(result.agent for result, _ in rows))
    for agent in agents:
        mine = [(result, rungs) for result, rungs in rows if result.agent == agent]
        for result, rungs in sorted(mine, key=lambda row: row[0].seed):
            by_value = {rung.sizes[size]: rung for rung in rungs}
            cells = [_cell([by_value[value]]) if value in by_value else "" for value in values]
            table.add_row(agent, str(result.seed), *cells, str(horizon(rungs, spec, size)))
        if len(mine) > 1:
            at = {
                value: [r for _, rungs in mine for r in rungs if r.sizes[size] == value] for value in values
            }
            table.add_row(agent, "mean", *(_cell(at[value]) for value in values), "", style="bold")
        table.add_section()
    reference = {rung.sizes[size]: rung for _, rungs in rows for rung in rungs}
    for name in next(iter(reference.values())).references:
        cells = [_reference_cell(reference[value], name) for value in values]
        table.add_row(name, "", *cells, "", style="dim")
    return table


def _cell(rungs: list[Rung]) -> str:
    accuracy = np.mean([rung.sequence_accuracy for rung in rungs])
    wrong = np.mean([rung.score.wrong_symbols / rung.sequences for rung in rungs])
    return _numbers(float(accuracy), float(wrong))


def _reference_cell(rung: Rung, name: str) -> str:
    score = rung.references[name]
    return _numbers(score.all_right / rung.sequences, score.wrong_symbols / rung.sequences)


def _numbers(accuracy: float, wrong: float) -> str:
    """Return one above the other, rounded such that what is not perfect does not look so."""
    return f"{down(accuracy)}\n[dim]{math.ceil(round(10 * wrong, 6)) / 10:.1f}[/]"


def down(share: float) -> str:
    """Return a share with three digits, rounded down, so that what is not perfect does not look so."""
    return f"{math.floor(round(1000 * share, 6)) / 1000:.3f}"


def sizes_text(sizes: Mapping[str, int]) -> str:
    """Return sizes in words: ``length 20, repeats 10``."""
    return ", ".join(f"{name} {value}" for name, value in sizes.items())


def training_text(spec: TaskSpec) -> str:
    """Return a task's training range in words."""
    ranges = {n: f"{s[0]}..{s[1]}" if isinstance(s, tuple) else str(s) for n, s in spec.training.items()}
    return ", ".join(f"{name} {text}" for name, text in ranges.items())


def ladder_texts(spec: TaskSpec) -> list[str]:
    """Return each of a task's ladders in words: ``length 20, 40, 80``, with what stays the same."""
    texts = []
    for size, rungs in spec.ladders.items():
        fixed = {name: value for name, value in rungs[0].items() if name != size}
        text = f"{size} {', '.join(str(rung[size]) for rung in rungs)}"
        texts.append(f"{text} (with {sizes_text(fixed)})" if fixed else text)
    return texts
