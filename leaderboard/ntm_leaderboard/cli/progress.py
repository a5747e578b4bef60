"""Progress of training and evaluation: a bar in a terminal, and lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ntm_agents import Run
from ntm_leaderboard.results import Rung
from ntm_leaderboard.wording import sizes_text

PLAIN_SECONDS = 10.0
"""Seconds between lines of progress where there is no terminal."""


@contextmanager
def training_display(
    console: Console, run: Run, restarted_at: int = 0
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Show the progress of a training run; yield a function to call with each line of its metrics."""
    learner = run.learner_row()
    unit, measure = learner.unit, learner.measure
    budget = learner.budget_of(run.train.for_task(run.task_spec()))
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
                of = f" in lesson {metrics['lesson']}" if "lesson" in metrics else ""
                latest["accuracy"] = f"{metrics['validation_accuracy']:.3f}{of}"
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
    """Write TensorBoard's event files; yield a function to call with each line of a run's metrics."""
    from torch.utils.tensorboard import SummaryWriter  # of the extra `all`

    with SummaryWriter(folder) as writer:

        def log(metrics: Mapping[str, Any]) -> None:
            for name, value in metrics.items():
                if isinstance(value, int | float) and name not in ("update", "sequences"):
                    writer.add_scalar(name, value, metrics["sequences"])

        yield log


@contextmanager
def evaluation_display(console: Console) -> Iterator[Callable[[Rung], None]]:
    """Show the progress of an evaluation; yield a function to call with each rung."""
    with console.status("evaluating", spinner="line") as status:

        def display(rung: Rung) -> None:
            text = f"{sizes_text(rung.sizes)}: sequence accuracy {rung.sequence_accuracy:.3f}"
            status.update(text)
            if not console.is_terminal:
                console.print(text)

        yield display
