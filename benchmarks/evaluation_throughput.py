"""Measures a step of the NTM without gradients: stepped, and as a whole sequence.

    taskset --cpu-list 0 .venv/bin/python benchmarks/evaluation_throughput.py

The pretrained machines of the package go through their ladders, with as many sequences side by side as an
evaluation plays.
"""

from __future__ import annotations

import time
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ntm_agents import load_run
from ntm_agents.pretrained import pretrained, pretrained_tasks
from ntm_agents.protocol import Model
from ntm_envs import capacity, tasks
from ntm_leaderboard.harness.outputs import episodes

SLOTS_AT_A_TIME = 2**17
"""Slots of all sequences that are evaluated side by side."""


def main() -> None:
    """Print the time of a step of a sequence at each rung.

    A ladder's time is that of all its sequences, computed from one call of as many as go side by side.
    """
    torch.set_num_threads(1)
    print("Microseconds of one core per step and sequence: stepped / whole")
    ladders = np.zeros(2)
    for name in pretrained_tasks("ntm"):
        model = cast("Model", load_run(pretrained("ntm", name))[0])
        spec, total = tasks.spec(name), np.zeros(2)
        for rung in spec.rungs:
            task, count = spec.make(), spec.rung_sequences(rung)
            slots = capacity(task.steps(**rung))
            rows = min(count, max(1, SLOTS_AT_A_TIME // slots))
            inputs = torch.from_numpy(episodes(task, rung, rows).inputs)
            each = microseconds(model, inputs, slots)
            total += each * len(inputs) * count / 1e6
            shape = f"{rows} x {len(inputs)} steps, {slots} slots"
            print(f"{name}, {dict(rung)}, {shape}:", *(f"{us:.2f}" for us in each), flush=True)
        ways = " / ".join(f"{seconds:.1f} s" for seconds in total)
        print(f"{name}, whole ladder: {ways}, {total[0] / total[1]:.1f} times as fast")
        ladders += total
    ways = " / ".join(f"{seconds:.1f} s" for seconds in ladders)
    print(f"All ladders: {ways}, {ladders[0] / ladders[1]:.1f} times as fast")


def microseconds(model: Model, inputs: Tensor, slots: int) -> NDArray[np.float64]:
    """Return the time per step and sequence of inputs ``[T, B, I]``: step by step, and as a whole."""

    def step(inputs: Tensor) -> None:
        state = model.initial_state(inputs.shape[1], slots)
        for t in range(len(inputs)):
            _, state = model(inputs[t : t + 1], state)

    def whole(inputs: Tensor) -> None:
        model(inputs, model.initial_state(inputs.shape[1], slots))

    times = []
    for way in (step, whole):
        with torch.inference_mode():
            way(inputs[:16])  # compiles the kernel
            start = time.process_time()  # of one core, whatever else it does meanwhile
            way(inputs)
            times.append(1e6 * (time.process_time() - start) / inputs.shape[:2].numel())
    return np.array(times)


if __name__ == "__main__":
    main()
