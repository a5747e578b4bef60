"""The process of a player: it loads a run, and answers the requests of :mod:`ntm_leaderboard.board.player`.

Whatever it prints goes to its standard error. Requests and answers are defined in `player.py`.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import IO

from ntm_leaderboard.board.confinement import end_with_parent, enter_namespaces, give_up_privileges

LONGEST_REQUEST = 10_000
"""Largest number of bytes of a request, without observations."""


def main(folder: Path, seconds: int, memory: int, confined: bool) -> None:
    """Load a run and answer requests until the input ends.

    Args:
        folder: The run.
        seconds: Largest processor time.
        memory: Largest number of bytes of address space.
        confined: Whether to enter namespaces first.
    """
    if confined:  # first of all, as it must be before anything starts threads
        enter_namespaces([folder])
    end_with_parent()
    import resource  # of Unix alone

    import numpy as np

    from ntm_agents import ModelAgent, load_run
    from ntm_agents.training.run import Run
    from ntm_leaderboard.harness.entrants import counts_of, untrained

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of the model must not look like an answer
    if Run.read(folder).entry.rpartition(":")[0].endswith(".py"):
        give_up_privileges()
    model, run = load_run(folder)
    agent = ModelAgent(model, run.task_spec().make().answers)

    def answer(data: bytes = b"") -> None:
        answers.write(len(data).to_bytes(8, "little") + data)
        answers.flush()

    answer()
    while line := requests.readline(LONGEST_REQUEST):
        request = json.loads(line)
        if "begin" in request:
            num_envs, capacity = request["begin"]
            agent.begin(num_envs, capacity, seed=0)
            answer()
        elif "untrain" in request:
            agent = untrained(run)
            answer()
        elif "count" in request:
            answer(np.array(counts_of(model, request["count"]), np.int64).tobytes())
        elif "bytes" in request:
            answer(agent.bytes_per_episode(request["bytes"]).to_bytes(8, "little"))
        else:
            shape = request["act"]
            observations = np.frombuffer(_exactly(requests, 4 * math.prod(shape)), np.float32).reshape(shape)
            actions = np.asarray(agent.act_on_sequences(observations), np.float32)
            if actions.shape[:2] != observations.shape[:2]:
                raise ValueError(f"the outputs have the shape {actions.shape}; expected {shape[:2]} first")
            answer(actions.tobytes())


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError(f"{len(data)} bytes came; expected {count}")
    return data


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "confined")
