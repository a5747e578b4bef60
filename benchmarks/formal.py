"""Prints the tables that `docs/results-formal.md` shows: agents by tasks of the suite `formal`.

    .venv/bin/python benchmarks/formal.py

The results are those that come with the package. A test compares the tables with the page.
"""

from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.documents.hierarchy import AGENTS, hierarchy_tables

if __name__ == "__main__":
    print(hierarchy_tables(load(SHIPPED), AGENTS))
