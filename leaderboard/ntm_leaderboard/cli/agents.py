"""`ntm-envs agents`: list the agents."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from ntm_agents.pretrained import pretrained_tasks
from ntm_agents.registry import installed
from ntm_agents.training import learners
from ntm_envs import tasks
from ntm_leaderboard.board.rows import TRACKS
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, plain
from ntm_leaderboard.harness.entrants import AGENTS


@dataclass(frozen=True)
class AgentsOptions:
    """List the agents, with their training signals and the tasks that they are pretrained on.

    Example:
        ntm-envs agents
    """


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    parse(AgentsOptions, argv, "agents")
    table = Table("agent", "description", "learns from", "pretrained on", box=None, header_style="bold")
    for row in sorted(installed(AGENTS).values(), key=lambda row: not row.learns):
        track = TRACKS[learners.find(row.default.learner).track] if row.learns else "–"
        trained = pretrained_tasks(row.name)
        by_suite = {suite: {spec.name for spec in tasks.suite(suite)} for suite in tasks.suites()}
        whole = [suite for suite, names in by_suite.items() if names <= set(trained)]
        others = [task for task in trained if tasks.spec(task).suite not in whole]
        where = [*(f"suite {suite}" for suite in whole), *others]
        table.add_row(*map(plain, (row.name, row.summary, track, ", ".join(where))))
    console.print(table)
    return 0
