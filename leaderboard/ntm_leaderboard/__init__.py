"""Training, evaluation and comparison of agents on the tasks, and the leaderboard.

`results.py` is the record of one evaluated run. `harness/` makes such records, `board/` ranks and verifies
them, `documents/` makes the tables of README and docs, `page/` shows them in a browser, and `cli/` is the
command line. Each layer uses only those named before it. `wording.py` writes numbers and sizes for readers,
and `docstrings.py` takes docstrings apart; they use none of the others.
"""
