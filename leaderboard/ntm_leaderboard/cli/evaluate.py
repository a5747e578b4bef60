"""`ntm-envs evaluate`: evaluate an agent on the ladder of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

from ntm_agents.kernels.threads import set_num_threads
from ntm_agents.training.checks import torch_device
from ntm_leaderboard.cli import progress, report
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, say
from ntm_leaderboard.harness.entrants import from_run, ready
from ntm_leaderboard.harness.evaluate import evaluate
from ntm_leaderboard.harness.launcher import usable_threads
from ntm_leaderboard.harness.protocols import PROTOCOLS


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Evaluate a trained run, or an agent that needs no training here, on the ladder of a task.

    Example:
        ntm-envs evaluate runs/copy-ntm-0 --up-to 120
    """

    run: tyro.conf.Positional[Path | None] = None
    """Folder of a complete run."""
    agent: str | None = None
    """Agent to evaluate without a run: oracle, constant, uniform, a pretrained machine, such as
    ntm, or an agent of your own, such as ./my_agent.py:MyAgent."""
    task: str | None = None
    """Task to evaluate the agent on, without a run. Without it: copy."""
    output: Path | None = None
    """File of the result. Without it: RUN/result.json, or runs/TASK-AGENT.json; with a protocol,
    RUN/PROTOCOL.json, or runs/TASK-AGENT-PROTOCOL.json."""
    protocol: Literal["lengths-41-500", "lengths-40-256"] | None = None
    """Protocol of published tables of formal languages, in place of the ladder: the mean share of right
    tokens over lengths that are spread evenly over a range."""
    up_to: int | None = None
    """Largest size to evaluate at; rungs beyond it are left out. Further rungs of a task, for models whose
    steps do not cost more in longer episodes, are played only up to a size that is given here."""
    sequences: int | None = None
    """Sequences per rung, if fewer than the ladder has; with a protocol, of each length."""
    rows: int | None = None
    """Sequences to play side by side: fewer take less memory, more are faster up to a point. Without it: as
    many as 512 MiB of the model's state hold, within limits."""
    device: str = "cpu"
    """Device to compute on, such as cpu or cuda."""
    threads: int = field(default_factory=usable_threads)
    """Number of threads on which the fused kernel of a memory machine computes sequences; the results are
    the same to the byte. Without it: OMP_NUM_THREADS, or the cores that this process may use."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(EvaluateOptions, argv, "evaluate")
    if (options.run is None) == (not options.agent):
        raise ValueError("name the folder of a run, or an --agent; one of the two")
    if options.run and options.task:
        raise ValueError("--task goes with --agent; a run has its own task")
    if options.protocol and options.up_to is not None:
        raise ValueError("--up-to shortens the ladder; a protocol has its own lengths")
    set_num_threads(options.threads)
    torch_device(options.device)  # agents that compute nothing there refuse none
    if options.run:
        entrant = from_run(options.run, options.device)
    else:
        assert options.agent
        entrant = ready(options.agent, options.task or "copy", options.device)
    protocol = PROTOCOLS[options.protocol] if options.protocol else None
    if options.run:
        path = options.run / (f"{protocol.name}.json" if protocol else "result.json")
    else:
        names = [entrant.spec.name, entrant.name, *([protocol.name] if protocol else [])]
        path = Path("runs") / f"{'-'.join(names)}.json"
    path = options.output or path
    with progress.evaluation_display(console) as display:
        result = evaluate(
            entrant,
            path,
            up_to=options.up_to,
            sequences=options.sequences,
            protocol=protocol,
            rows=options.rows,
            report=display,
        )
    if protocol:
        report.print_protocol(console, result, protocol)
    else:
        report.print_result(console, result)
    say(f"The result is in {path}")
    return 0
