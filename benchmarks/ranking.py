"""The rankings that README.md shows: a line for each agent with enough seeds on all tasks of a suite.

    .venv/bin/python benchmarks/ranking.py

It reads the results that come with the package, and prints a table in Markdown for each suite.
"""

from classic import name_of

from ntm_leaderboard.board.boards import Board, Boards, places
from ntm_leaderboard.board.rows import TRACKS
from ntm_leaderboard.cli.report import down


def rankings(boards: Boards) -> str:
    """Return the tables of all suites that have a ranking."""
    ranked = [board for board in boards.by_suite.values() if board.ranked]
    return "\n\n".join(f"Suite `{board.suite}`:\n\n{ranking(board)}" for board in ranked)


def ranking(board: Board) -> str:
    """Return the table of a suite: ranks among those that learnt from the same, and scores."""
    head = ["", "agent", "learnt from", "tuned", "score", *map(name_of, board.specs)]
    lines = [_line(head), _line(["---:", "---", "---", "---", *["---:"] * (len(head) - 4)])]
    ranks = places(board.ranked)
    for row in board.ranked:
        scores = [row.score, *(row.standings[spec.env_id].score for spec in board.specs)]
        about = [str(ranks[row.agent]), f"`{row.agent}`", TRACKS[row.track], "by task" if row.tuned else "no"]
        lines.append(_line([*about, *map(down, scores)]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(rankings(Boards.read()))
