"""The harness: agents are trained, judged on longer and longer sequences, and compared.

`evaluate.py` plays the ladder of a task, `results.py` is the file that comes of it, `bench.py` does both for
many agents, tasks and seeds, and `cli.py` is the command line.
"""
