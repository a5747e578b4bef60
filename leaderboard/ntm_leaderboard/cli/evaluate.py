"""`ntm-envs evaluate`: evaluate an agent on the ladder of a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from ntm_leaderboard.cli import report
from ntm_leaderboard.cli.options import parse
from ntm_leaderboard.cli.terminal import console, say
from ntm_leaderboard.harness.entrants import from_run, ready
from ntm_leaderboard.harness.evaluate import evaluate


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Play the ladder of a task with a trained run, or with an agent that needs no training here."""

    run: tyro.conf.Positional[Path | None] = None
    """Folder of a complete run."""
    agent: str | None = None
    """Without a run: oracle, constant, uniform, a machine that comes trained, such as ntm, or an agent of
    your own: ./my_agent.py:MyAgent."""
    task: str | None = None
    """Without a run: the task; copy if there is none."""
    output: Path | None = None
    """Where the result goes; RUN/result.json without it."""
    up_to: int | None = None
    """Leave out the rungs at which a size is larger than this."""
    sequences: int | None = None
    """Sequences of a rung, if fewer than the ladder asks for."""
    device: str = "cpu"
    """Where a model computes, such as cpu or cuda."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(EvaluateOptions, argv, "evaluate")
    if (options.run is None) == (options.agent is None):
        raise ValueError("name the folder of a run, or an --agent; one of the two")
    if options.run and options.task:
        raise ValueError("--task goes with --agent; a run has its own task")
    if options.run:
        entrant = from_run(options.run, options.device)
    else:
        entrant = ready(options.agent, options.task or "copy", options.device)
    path = options.output or (options.run / "result.json" if options.run else None)
    if path is None:
        path = Path("runs") / f"{entrant.spec.name}-{entrant.name}.json"
    with report.evaluation_display(console) as display:
        result = evaluate(entrant, path, up_to=options.up_to, sequences=options.sequences, report=display)
    report.print_result(console, result)
    say(f"The result is in {path}")
    return 0
