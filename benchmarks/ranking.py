"""Prints the ranking that README.md shows: a line for each agent with enough seeds on all tasks of `classic`.

    .venv/bin/python benchmarks/ranking.py

The results are those that come with the package. A test compares the table with README.md.
"""

from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.documents.rankings import ranking

if __name__ == "__main__":
    print(ranking(Boards.read().by_suite["classic"]))
