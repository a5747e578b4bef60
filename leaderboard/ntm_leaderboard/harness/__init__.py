"""The harness: train agents, evaluate them on longer and longer sequences, and compare them.

`entrants.py` finds an agent and commits to everything that decides its behaviour, `ladder.py` plays the
ladder of a task, and `evaluate.py` writes the result. `bench.py` plans these steps for many agents, tasks and
seeds, as jobs (`jobs.py`). `launching.py` chooses what runs them: processes of this machine (`launcher.py`)
or a Ray cluster (`ray_launcher.py`, with `shipping.py` on its nodes). `watching.py` shows one episode.
"""
