"""The harness: train agents, evaluate them on longer and longer sequences, and compare them.

`entrants.py` finds an agent and commits to everything that decides its behaviour, `ladder.py` plays the
ladder of a task, and `evaluate.py` writes the result. `bench.py` plans these steps for many agents, tasks and
seeds, as jobs (`jobs.py`) that `launcher.py` runs on this machine; `watching.py` shows one episode.
"""
