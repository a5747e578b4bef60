"""The harness: train agents, evaluate them on longer and longer sequences, and compare them.

`entrants.py` finds an agent and commits to everything that decides its behaviour, `ladder.py` plays the
ladder of a task, `evaluate.py` writes the result, `bench.py` does all of it for many agents, tasks and
seeds, and `watching.py` shows one episode.
"""
