"""Runs that are trained in a moment, submissions of them, and changes to these."""

import json

from ntm_agents import TrainConfig, Trainer
from ntm_agents.registry import find
from ntm_agents.training.run import Run
from ntm_leaderboard.board import submission, verify
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.harness.evaluate import evaluate

FEW = {"up_to": 20, "sequences": 16}
NONCE = "e" * 64

OWN_MODEL = """
import contextlib, os, pathlib, socket, sys, time
import torch

MARKER = pathlib.Path({marker!r})
with contextlib.suppress(OSError):
    MARKER.touch()  # where it may
print("a model may print what it likes")

class Mine(torch.nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.layer = torch.nn.Linear(input_size, output_size)

    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 1)

    def forward(self, inputs, state):
        {act}
        return self.layer(inputs), state
"""


def trained(folder, seed=0, entry="ntm_baselines:LSTM", agent="lstm", model=None):
    train = TrainConfig(sequences=32, batch_size=16, validation_sequences=4)
    model = {"hidden_size": 4} if model is None else model
    run = Run(agent=agent, entry=entry, task="copy", model=model, train=train, seed=seed)
    Trainer(run, folder).train()
    evaluate(from_run(folder), folder / "result.json", **FEW)
    return folder


def with_own_model(tmp_path, first=""):
    """Train a custom model in a folder, and pack it there."""
    source, marker = tmp_path / "mine" / "my_model.py", tmp_path / "marker"
    source.parent.mkdir(exist_ok=True)
    source.write_text(first + OWN_MODEL.format(marker=str(marker), act="pass"), encoding="utf-8")
    row = find(f"{source}:Mine", ())
    run = trained(tmp_path / "run", entry=row.entry, agent=row.name, model={})
    return submission.pack([run], tmp_path / "submission")[0], marker


def play(folder, **options):
    """Return the record of a verification of a folder that was checked."""
    return verify.verify(folder, "somebody", **options)


def rewrite(path, change):
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")
