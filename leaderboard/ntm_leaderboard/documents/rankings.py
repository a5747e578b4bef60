"""The rankings of README.md: a line for each agent with enough seeds on all tasks of a suite."""

from __future__ import annotations

from ntm_leaderboard.board.boards import Board, Boards, places
from ntm_leaderboard.board.rows import TRACKS
from ntm_leaderboard.documents.markdown import table
from ntm_leaderboard.wording import down, task_name


def rankings(boards: Boards) -> str:
    """Return the tables of all suites that have a ranking."""
    ranked = [board for board in boards.by_suite.values() if board.ranked]
    return "\n\n".join(f"Suite `{board.suite}`:\n\n{ranking(board)}" for board in ranked)


def ranking(board: Board) -> str:
    """Return the table of a suite: ranks among agents with the same training signal, and scores."""
    head = ["rank", "agent", "learnt from", "tuned", "score", *map(task_name, board.specs)]
    ranks, rows = places(board.ranked), []
    for row in board.ranked:
        scores = [row.score, *(row.standings[spec.env_id].score for spec in board.specs)]
        about = [str(ranks[row.agent]), f"`{row.agent}`", TRACKS[row.track], "by task" if row.tuned else "no"]
        rows.append([*about, *map(down, scores)])
    return table(head, rows, ["---:", "---", "---", "---", *["---:"] * (len(head) - 4)])
