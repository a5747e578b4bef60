"""Writes `docs/tasks.md` and its pictures, which are episodes of the oracle.

    .venv/bin/python benchmarks/task_pages.py

A test keeps the page current.
"""

from pathlib import Path

from ntm_envs import tasks
from ntm_leaderboard.documents.tasks import tasks_page
from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import ready

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    """Write the page and its pictures."""
    for row in tasks.TABLE:
        agent, sizes = ready("oracle", row.name).agent, dict.fromkeys(row.training, 8)
        sizes |= {name: 3 for name in ("repeats", "items") if name in sizes}
        watching.record(agent, row.env_id, sizes, 0, [DOCS / "tasks" / f"{row.name}.png"], 8)
    page = DOCS / "tasks.md"
    page.write_text(tasks_page(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
