"""The leaderboard: statistics over seeds, rankings, and submissions that others can verify.

`statistics.py` has the scores, `rows.py` and `boards.py` rank agents by them, `submission.py` packs runs
for others, and `verify.py` checks such a submission and plays it in a process of its own. `player.py` talks
to that process, `player_process.py` is what runs in it, `confinement.py` confines it, and `guard.py`
protects the verifier from it. `records.py` has the outcome.
"""
