"""The ranking that README.md shows: a line for each agent with enough seeds on all tasks of the board.

    .venv/bin/python benchmarks/ranking.py

It reads the board that comes with the package, and prints a table in Markdown.
"""

from classic import name_of

from ntm_leaderboard.board import TRACKS, Board, places
from ntm_leaderboard.report import down


def ranking(board: Board) -> str:
    """Return the table: ranks among those that learnt from the same; scores over all tasks, and on each."""
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
    print(ranking(Board.read()))
