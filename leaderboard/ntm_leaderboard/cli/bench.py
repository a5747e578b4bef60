"""`ntm-envs bench`: train, evaluate and compare several agents."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.cli import report
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, plain, say
from ntm_leaderboard.harness import bench
from ntm_leaderboard.harness.launcher import LocalLauncher
from ntm_leaderboard.results import Result
from ntm_leaderboard.wording import command


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Train and evaluate agents on tasks with several seeds, and compare them in tables and a figure.

    The same command resumes an interrupted bench, and repeats nothing that is complete.

    Without a suite it is a quick comparison of the NTM and the LSTM on Copy and AssociativeRecall: three
    seeds, the same number of training sequences for every agent, and the lower rungs of the ladders. Other
    options replace single settings of the quick comparison or of the suite.

    Example:
        ntm-envs bench --agents ntm lstm ./my_model.py:MyModel --tasks copy --seeds 3
    """

    suite: str | None = None
    """Suite from `ntm-envs tasks`: all of its tasks, with whole ladders and five seeds. It takes hours."""
    agents: tuple[str, ...] = ()
    """Names from `ntm-envs agents`, or models of your own, such as ./my_model.py:MyModel."""
    tasks: tuple[str, ...] = ()
    """Names from `ntm-envs tasks`, or tasks of your own, such as ./my_task.py:MY_TASK."""
    seeds: int | None = None
    """Number of seeds, at most 1000."""
    first_seed: int = 0
    """First seed; the others follow it. A recipe is measured on other seeds than it was found on."""
    sequences: int | None = None
    """Sequences per rung of the evaluation, if fewer than the ladder has."""
    budget: int | None = None
    """Training sequences of every agent that learns from targets. Without it: 48000 in the quick comparison,
    and those of each recipe in a suite."""
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Number of runs at a time, each on one thread."""
    output: Path | None = None
    """Folder of the runs, their results and the figure. Without it: bench/SUITE or bench/quick."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(BenchOptions, argv, "bench")
    plan = bench.plan(
        options.suite,
        agents=options.agents,
        tasks=options.tasks,
        seeds=options.seeds,
        first_seed=options.first_seed,
        sequences=options.sequences,
        budget=options.budget,
        output=options.output,
    )
    launcher = LocalLauncher(processes=options.jobs, console=console)

    def first_seed(results: list[Result]) -> None:
        console.print("\nAfter the first seed:\n", style="bold")
        report.print_results(console, results)

    try:
        outcome = bench.run(plan, launcher, first_seed=first_seed)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command resumes from there") from None
    if outcome.results:
        report.print_results(console, outcome.results)
        report.print_boards(console, Boards.of(outcome.results))
        from ntm_leaderboard.page.figures import accuracy_figure

        path = plan.output / "accuracy.png"
        accuracy_figure(outcome.results, path)
        say(f"The figure is {path}; the results are beside it. Next steps:")
        serve = command("leaderboard", "serve", "--results", plan.output)
        say(f"  {serve}   a page with charts, among other agents")
        say("  ntm-envs watch --agent ntm --task copy --length 20   a trained machine at work")
        say("  ntm-envs bench --agents ntm ./my_model.py:MyModel    a model of your own beside it")
    for job, failure in outcome.failures.items():
        message = f"[red]{plain(str(job))} failed:[/] {plain(str(failure))}"
        console.print(message, highlight=False, soft_wrap=True)
    return 1 if outcome.failures else 0
