"""Small runs, their files, and functions that interrupt and kill them."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import torch
from torch import nn

from ntm_agents import Run, TrainConfig

SMALL = {"sequences": 400, "batch_size": 8, "validate_every": 100, "validation_sequences": 8, "log_every": 5}


class Tiny(nn.Module):
    """A GRU with dropout, so that torch's random numbers matter, and a buffer."""

    def __init__(
        self, input_size: int, output_size: int, *, hidden: int = 12, poison: int = 0, unused: bool = False
    ):
        super().__init__()
        if unused:  # by the loss, as a critic's weights are
            self.first = nn.Linear(3, 3)
        self.gru = nn.GRU(input_size, hidden)
        self.dropout = nn.Dropout(0.2)
        self.output = nn.Linear(hidden, output_size)
        self.poison = poison
        self.gru.bias_hh_l0.requires_grad_(False)  # some people freeze a part of their model
        self.register_buffer("calls", torch.zeros(()))

    def initial_state(self, batch_size: int, capacity: int):
        return self.output.weight.new_zeros(batch_size, 1, self.gru.hidden_size)

    def forward(self, inputs, state):
        if self.training:
            self.calls += 1
        features, state = self.gru(inputs, state.transpose(0, 1).contiguous())
        logits = self.output(self.dropout(features))
        if self.training and self.poison and self.calls >= self.poison:
            logits = logits * float("nan")
        return logits, state.transpose(0, 1)


def tiny_run(seed=0, task="copy", model=None, entry=f"{__file__}:Tiny", **train):
    return Run(
        agent="tiny",
        entry=entry,
        task=task,
        model=model or {},
        train=TrainConfig(**{**SMALL, **train}),
        seed=seed,
    )


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def without_time(folder):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines(folder)]


def untimed_result(path):
    """Return the record of a result without times."""
    record = json.loads(path.read_text(encoding="utf-8"))
    for part in (record, record["training"] or {}):
        for name in ("created", "seconds"):
            part.pop(name, None)
    return record


def interrupted(make, folder, seed=0):
    """Train a run that is interrupted at random lines of its metrics, until it is complete.

    Args:
        make: Returns the trainer of the run, with this `report`.
        folder: The folder of the run.
        seed: Seed of the moments.
    """
    rng, interrupts = np.random.default_rng(seed), 0
    for _ in range(100):
        limit, seen = int(rng.integers(1, 8)), []

        def interrupt(metrics, seen=seen, limit=limit):
            seen.append(metrics)
            if len(seen) == limit:
                os.kill(os.getpid(), signal.SIGINT)

        trainer = make(interrupt)
        if trainer.complete:
            assert interrupts, "or else this shows nothing"
            return
        try:
            trainer.train()
        except KeyboardInterrupt:
            interrupts += 1
            assert (folder / "checkpoint.safetensors").exists()
    raise AssertionError("the run does not end")


def killed(prepare, train, folder, seed=0):
    """Train a run that is killed three times at random moments of its training, until it is complete.

    Args:
        prepare: Python code that imports what `train` needs.
        train: Python code that trains the run in `folder` to its end.
        folder: The folder of the run.
        seed: Seed of the moments.
    """
    # It starts a process for each line, and prints its number and, when it has ended, how. It forks, as
    # Python and torch would take seconds to start again.
    script = (
        f"import os, sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
        "import torch; torch.set_num_threads(1)\n"
        f"{prepare}\n"
        "for line in sys.stdin:\n"
        "    if not (process := os.fork()):\n"
        f"        {train}\n"
        "        os._exit(0)\n"
        "    print(process, flush=True)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)\n"
    )
    kills, rng, metrics = 0, np.random.default_rng(seed), folder / "metrics.jsonl"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        while not (folder / "summary.json").exists():
            before = metrics.stat().st_size if metrics.exists() else 0
            starter.stdin.write(b"\n")
            process = int(starter.stdout.readline())
            # It is killed at a moment of its training, while it writes lines or checkpoints or updates.
            while kills < 3 and not select.select([starter.stdout], [], [], 0.002)[0]:
                if metrics.exists() and metrics.stat().st_size > before:
                    time.sleep(float(rng.uniform(0, 0.15)))
                    with suppress(ProcessLookupError):  # it may have ended
                        os.kill(process, signal.SIGKILL)
                    kills += 1
                    break
            assert int(starter.stdout.readline()) in (0, -signal.SIGKILL)
        starter.stdin.close()
    assert kills
