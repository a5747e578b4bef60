"""A run of a model from a file trains one version of it, and records its digest, however it is edited."""

import hashlib
import json
import os
import signal

import pytest
from tiny_runs import tiny_run

from ntm_agents import Trainer, load_run

FILE = """
from torch import nn


class Model(nn.Module):
    gain = {gain}

    def __init__(self, input_size, output_size):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)

    def initial_state(self, batch_size, capacity):
        return self.linear.weight.new_zeros(batch_size, 1)

    def forward(self, inputs, state):
        return self.gain * self.linear(inputs), state
"""

TASK = """
from ntm_envs.tasks import TaskSpec, ladder
from ntm_envs.tasks.classic.copy import Copy

HERE = TaskSpec(
    name="a-task-of-a-file",
    env_id="mine/TaskOfAFile-v0",
    task=Copy,
    training={"length": (1, 4)},
    ladders=ladder("length", (4, 8)),
)
"""


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "model.py", 1)


def write(path, gain):
    path.write_text(FILE.format(gain=gain), encoding="utf-8")
    return path


def recorded(folder):
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))["source"]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_run_after_an_edit_trains_what_it_records(tmp_path, path):
    run = tiny_run(entry=f"{path}:Model", sequences=8)
    for gain in (1, 2):
        write(path, gain)
        trainer = Trainer(run, tmp_path / str(gain))
        trainer.train()
        assert trainer.model.gain == gain
        assert recorded(tmp_path / str(gain)) == digest(path)


def test_an_edit_during_training_waits_for_the_next_run(tmp_path, path):
    before, folder = digest(path), tmp_path / "run"
    run = tiny_run(entry=f"{path}:Model", restart_after=200, restart_loss=1e-9, checkpoint_seconds=1e-9)
    trainer = Trainer(run, folder, report=lambda metrics: write(path, 2))
    trainer.train()
    assert trainer.counters.restarts
    assert trainer.model.gain == 1  # which was built after the edit
    assert recorded(folder) == before
    with pytest.warns(UserWarning, match=r"model\.py:Model has changed since the training"):
        model, run = load_run(folder)
    assert model.gain == 2
    assert run.sources["source"] == digest(path)


def test_a_run_does_not_resume_with_an_edited_model(tmp_path, path):
    run = tiny_run(entry=f"{path}:Model")
    with pytest.raises(KeyboardInterrupt):
        Trainer(run, tmp_path / "run", report=lambda _: os.kill(os.getpid(), signal.SIGINT)).train()
    write(path, 2)
    with pytest.raises(ValueError, match=r"holds another run \(.*:Model has changed since\)"):
        Trainer(run, tmp_path / "run")
    write(path, 1)
    Trainer(run, tmp_path / "run").train()


def test_a_run_does_not_resume_on_an_edited_task(tmp_path):
    path = tmp_path / "task.py"
    path.write_text(TASK, encoding="utf-8")
    folder, run = tmp_path / "run", tiny_run(task=f"{path}:HERE", sequences=8)
    Trainer(run, folder)
    path.write_text(TASK.replace("(1, 4)", "(2, 4)"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds another run \(.*task\.py:HERE has changed since\)"):
        Trainer(run, folder)
    path.write_text(TASK, encoding="utf-8")
    Trainer(run, folder).train()
    path.write_text(TASK.replace("(1, 4)", "(2, 4)"), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"task\.py:HERE has changed since the training"):
        load_run(folder)


def test_the_digest_of_a_module_is_not_that_of_a_later_edit(tmp_path, monkeypatch):
    """A module is not executed again: after an edit, it is still the earlier one that is trained."""
    path = write(tmp_path / "an_importable_model.py", 1)
    monkeypatch.syspath_prepend(tmp_path)
    run, before = tiny_run(entry="an_importable_model:Model", sequences=8), digest(path)
    Trainer(run, tmp_path / "1")
    write(path, 2)
    trainer = Trainer(run, tmp_path / "2")
    assert trainer.model.gain == 1
    assert recorded(tmp_path / "2") == before
