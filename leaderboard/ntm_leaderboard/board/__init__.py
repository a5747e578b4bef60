"""The leaderboard: statistics over seeds, rankings, and submissions that others can verify.

`statistics.py` has the scores, `rows.py` and `boards.py` rank agents by them, `submission.py` packs runs
for others, `verify.py` checks such a submission, and plays it in a process of its own (`player.py`).
"""
