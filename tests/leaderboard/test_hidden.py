"""A run that was being packed when its process was killed is hidden, and takes part in nothing."""

import shutil

from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.board.verify import runs_in
from ntm_leaderboard.harness.entrants import ready
from ntm_leaderboard.harness.evaluate import evaluate


def test_hidden_runs_are_neither_ranked_nor_verified_nor_packed(tmp_path):
    seen = tmp_path / ".home" / "oracle"  # the folder that is named may be hidden itself
    evaluate(ready("oracle", "copy"), seen / "result.json", up_to=20, sequences=2)
    shutil.copytree(seen, seen.parent / ".tmp123" / "run")
    assert list(runs_in(seen.parent)) == [seen]
    assert len(results_in(seen.parent)) == 1
