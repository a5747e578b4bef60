"""`ntm-envs bench`: train, evaluate and compare several agents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated

import tyro

from ntm_envs.files import check_writable
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.cli import report
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, plain, say
from ntm_leaderboard.harness import bench
from ntm_leaderboard.harness.jobs import Failure, Shard, survey
from ntm_leaderboard.harness.launching import LaunchOptions
from ntm_leaderboard.results import Result
from ntm_leaderboard.wording import command

MOST_SHOWN = 30
"""Largest number of jobs without a result that are named."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Train and evaluate agents on tasks with several seeds, and compare them in tables and a figure.

    The same command resumes an interrupted bench, and repeats nothing that is complete.

    Without a suite it is a quick comparison of the NTM and the LSTM on Copy and AssociativeRecall: three
    seeds, the same number of training sequences for every agent, and the lower rungs of the ladders. Other
    options replace single settings of the quick comparison or of the suite.

    A bench is a list of independent jobs, which machines that share a folder can divide: each runs the same
    command with another --shard, at the same time or not, and --collect shows the table of what is there.

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
    output: Path | None = None
    """Folder of the runs, their results and the figure. Without it: bench/SUITE or bench/quick."""
    shard: str | None = None
    """Part of the jobs, such as 2/8 for the second of eight parts: every job is in exactly one."""
    list_jobs: bool = False
    """Print the jobs, or those of the shard, as lines of JSON, and run nothing."""
    collect: bool = False
    """Print the tables of the results that there are and the jobs that are missing, and run nothing."""
    launch: Annotated[LaunchOptions, tyro.conf.arg(name="")] = field(default_factory=LaunchOptions)


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
    jobs = bench.jobs_of(plan)
    if options.shard:
        jobs = Shard.parse(options.shard).of(jobs)
    if options.list_jobs:
        for job in jobs:
            print(json.dumps(job.record()))
        return 0
    check_writable(plan.output / "accuracy.png")  # a job of a folder that is none would fail for each seed
    outcome = bench.run(jobs, survey) if options.collect else _run(jobs, options)
    if outcome.results and (options.collect or not options.shard):
        _report(outcome.results, plan.output)
    _report_failures(outcome.failures, "is missing" if options.collect else "failed")
    if options.collect or options.shard:
        say(f"{len(outcome.results):,} of {len(jobs):,} jobs are complete.")
    if options.shard and not options.collect:
        say("The same command with --collect in place of --shard shows the tables of all shards.")
    return 1 if outcome.failures else 0


def _run(jobs: list[bench.BenchJob], options: BenchOptions) -> bench.Outcome:
    """Run jobs, and show the results of the first seed as soon as they are complete."""

    def first_seed(results: list[Result]) -> None:
        if not options.shard:
            console.print("\nAfter the first seed:\n", style="bold")
            report.print_results(console, results)

    try:
        return bench.run(jobs, options.launch.make(console), first_seed=first_seed)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command resumes from there") from None


def _report(results: list[Result], folder: Path) -> None:
    """Print the tables, and draw the figure into the folder of the bench."""
    report.print_results(console, results)
    report.print_boards(console, Boards.of(results))
    from ntm_leaderboard.page.figures import accuracy_figure

    path = folder / "accuracy.png"
    accuracy_figure(results, path)
    say(f"The figure is {path}; the results are beside it. Next steps:")
    serve = command("leaderboard", "serve", "--results", folder)
    say(f"  {serve}   a page with charts, among other agents")
    say("  ntm-envs watch --agent ntm --task copy --length 20   a trained machine at work")
    say("  ntm-envs bench --agents ntm ./my_model.py:MyModel    a model of your own beside it")


def _report_failures(failures: Mapping[bench.BenchJob, Failure], what: str) -> None:
    """Print the jobs without a result, each with the reason."""
    for job, failure in islice(failures.items(), MOST_SHOWN):
        message = f"[red]{plain(str(job))} {what}:[/] {plain(str(failure))}"
        console.print(message, highlight=False, soft_wrap=True)
    if len(failures) > MOST_SHOWN:
        console.print(f"[red]{len(failures) - MOST_SHOWN:,} more {what}[/]", highlight=False)
