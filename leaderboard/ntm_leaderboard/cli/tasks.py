"""`ntm-envs tasks`: list the tasks."""

from __future__ import annotations

from dataclasses import dataclass

from ntm_envs import tasks
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, plain, say
from ntm_leaderboard.wording import ladder_texts, training_text


@dataclass(frozen=True)
class TasksOptions:
    """List the tasks by suite, with the sizes of training and the ladders of evaluation.

    Example:
        ntm-envs tasks
    """


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    parse(TasksOptions, argv, "tasks")
    suite = ""
    for name in tasks.names():
        row = tasks.spec(name)
        if row.suite != suite:
            suite = row.suite
            console.print(f"[bold underline]suite {plain(suite)}[/]", highlight=False)
        console.print(f"[bold]{plain(name)}[/]  {plain(row.summary)}", highlight=False, soft_wrap=True)
        say(f"    as          {row.env_id}")
        say(f"    trained on  {training_text(row)}")
        for i, text in enumerate(ladder_texts(row)):
            say(f"    {'' if i else 'evaluated':10}  {text}")
    return 0
