"""Prints the rankings that README.md shows: a line for each agent with enough seeds on all tasks of a suite.

    .venv/bin/python benchmarks/ranking.py

The results are those that come with the package. A test compares the table with README.md.
"""

from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.documents.rankings import rankings

if __name__ == "__main__":
    print(rankings(Boards.read()))
