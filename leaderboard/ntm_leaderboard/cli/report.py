"""Tables for the terminal: results, seeds side by side, and rankings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.boards import Board, Boards, places
from ntm_leaderboard.board.rows import TRACKS, Row, Standing
from ntm_leaderboard.board.statistics import horizon, ladder
from ntm_leaderboard.harness.protocols import Protocol
from ntm_leaderboard.results import SEEDS, Result, Rung
from ntm_leaderboard.wording import down, up

NAME_WIDTH = 10
"""Least width of the names of agents in a ranking."""


def print_result(console: Console, result: Result) -> None:
    """Print a table for each ladder of a result: all measures, a line per rung."""
    spec, references = tasks.spec(result.task), tuple(result.rungs[0].references)
    for size in spec.ladders:
        rungs = ladder(result, spec, size, further=True)
        if not rungs:
            continue
        title = f"{result.agent} on {result.task} along {size}, trained up to {spec.largest[size]}"
        table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=0)
        for column in (size, "sequences", "symbols", "return", "cost in bits", *references):
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
        if rungs[0].score.metrics:
            console.print(_metrics_table(size, rungs))
    console.print(
        "sequences: share of sequences without a wrong symbol (or bit). symbols: share of correct symbols. "
        "cost in bits: per sequence; in brackets the lowest possible cost, unless it is 0. "
        f"{', '.join(references)}: their return on the same sequences. "
        "horizon: the last size up to which the agent reaches 0.99 of what the oracle reaches.",
        style="dim",
    )


def _metrics_table(size: str, rungs: list[Rung]) -> Table:
    """Return a table of further metrics of the agent and of the references: a line per rung and agent."""
    names = list(rungs[0].score.metrics)
    title = "further metrics"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=0)
    for column in (size, "agent", *(name.replace("_", "\n") for name in names)):
        table.add_column(column, justify="right")
    for rung in rungs:
        for agent, score in {"": rung.score, **rung.references}.items():
            cells = [f"{score.metrics[name]:.3f}" if name in score.metrics else "" for name in names]
            table.add_row(
                "" if agent else str(rung.sizes[size]), agent, *cells, style="dim" if agent else None
            )
    return table


def print_protocol(console: Console, result: Result, protocol: Protocol) -> None:
    """Print the accuracy of a result by a protocol, and that of the references."""
    console.print(
        f"{result.agent} on {result.task}, {protocol.name}: mean token accuracy "
        f"{down(protocol.accuracy(result))} over {len(result.rungs)} lengths",
        highlight=False,
    )
    for name in result.rungs[0].references:
        shares = [1 - rung.references[name].wrong_symbols / rung.symbols for rung in result.rungs]
        console.print(f"{name}: {down(float(np.mean(shares)))}", highlight=False, style="dim")
    console.print(f"As in {protocol.source}.", style="dim")


def print_results(console: Console, results: Sequence[Result]) -> None:
    """Print a table for each ladder: sequence accuracy and wrong symbols per sequence, seed by seed."""
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
        "Above: share of sequences without a wrong symbol. Below: mean number of wrong symbols.\n"
        "The horizon is the last size up to which a run stays at 0.99 or above.",
        style="dim",
    )


def print_boards(console: Console, boards: Boards) -> None:
    """Print the ranking of each suite."""
    print_left_out(console, boards)
    for board in boards.by_suite.values():
        _print_board(console, board)
    if boards.by_suite:
        console.print(
            "Above: score beyond the training range, where 0 is the mean return of the best constant output, "
            "and 1 that of the oracle. Below: score at the largest training size or, under the mean of all "
            f"tasks, its 95 % interval over seeds. A rank needs {SEEDS} seeds on every task, and is among "
            "agents with the same training signal.",
            style="dim",
        )


def print_left_out(console: Console, boards: Boards) -> None:
    """Print which results were left out, and why."""
    for text in boards.left_out:
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def _print_board(console: Console, board: Board) -> None:
    """Print the ranking over all tasks of a suite, in as few tables as fit the console, and notes on it."""
    for count in range(1, len(board.specs) + 1):
        parts = np.array_split(np.array(board.specs, object), count)
        tables = [_ranking(board, part.tolist()) for part in parts]
        least = max(Measurement.get(console, console.options, table).minimum for table in tables)
        if least + NAME_WIDTH <= console.width:
            break
    for table in tables:
        console.print(table)
    of_task = {spec.env_id: places(board.ranking(spec), spec) for spec in board.specs}
    for row in (row for row in board.rows if row.own):
        for spec in (spec for spec in board.specs if row.agent in of_task[spec.env_id]):
            others = [other for other in board.ranking(spec) if other.track == row.track]
            place = of_task[spec.env_id][row.agent]
            console.print(f"{row.agent}: {place} of {len(others)} on {spec.name}", highlight=False)
    for task, ladders in board.shortened.items():
        shown = " and ".join(f"{size} {', '.join(map(str, values))}" for size, values in ladders.items())
        console.print(
            f"On {task}, scores are over {shown} alone, on which all have been evaluated.", highlight=False
        )


def _ranking(board: Board, specs: Sequence[TaskSpec]) -> Table:
    """Return a table of a board: a line per agent, with its score over all tasks and on some."""
    title = f"scores, suite {board.suite}"
    table = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, padding=0)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("agent", overflow="fold")  # narrow terminals fold names, not numbers
    for name in ("all", *(spec.name for spec in specs), "seeds"):
        table.add_column(name.replace("_", "\n"), justify="right", no_wrap=True)
    ranks = places(board.ranked)
    for row in (*board.listed, *board.references):
        low, high = row.interval
        reference, complete = row in board.references, len(row.standings) == len(board.specs)
        status = "claimed" if row.status == "self-reported" else row.status
        seeds = min(len(standing.scores) for standing in row.standings.values())
        whole = down(row.score) if reference else f"{down(row.score)}\n[dim]{down(low)}–{down(high)}[/]"
        table.add_row(
            str(ranks.get(row.agent, "")),
            "\n[dim]".join([row.agent, *([] if reference else _remarks(row))]),
            whole if complete else "–",
            *(_standing_cell(row.standings.get(spec.env_id)) for spec in specs),
            "" if reference else f"{seeds}\n[dim]{status}[/]",
            style="dim" if reference else "bold" if row.own else None,
        )
    return table


def _remarks(row: Row) -> list[str]:
    """Return remarks on an agent that matter when it is compared, such as its track and privileges."""
    return [
        *([TRACKS[row.track]] if row.track != "supervised" else []),
        *([] if row.learnt else ["not learnt: it is right before training"]),
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
    """Return a cell with one number above the other."""
    return f"{down(accuracy)}\n[dim]{up(wrong)}[/]"
