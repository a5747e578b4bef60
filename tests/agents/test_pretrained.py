"""The pretrained machines perform as their cards state."""

import shutil

import numpy as np
import pytest
import torch

from ntm_agents import DNC, NTM, load_run
from ntm_agents.pretrained import HERE, pretrained
from ntm_agents.readout import readout
from ntm_agents.training import CheckpointError
from ntm_envs import capacity, keyed, tasks

FOLDERS = sorted(path.parent for path in HERE.glob("*/*/summary.json"))
BITS = {"ngrams": 1.0, "priority_sort": 20.0}
"""Largest cost of a sequence of 100 in bits above the optimum, on tasks where some bits are always wrong."""

SECOND = {"one_shot": 0.8}
"""Least accuracy at the second presentation, of tasks whose first ones nobody can know."""
SHARES = {"traversal": 0.97}
"""Least share of 100 sequences without an error, of tasks where it is below 0.99."""


def play(model, task, count, **sizes):
    """Return random sequences, and the logits of a model."""
    batch = task.episodes(keyed.stream_keys(np.full(count, 7), np.arange(count)), **sizes)
    with torch.no_grad():
        state = model.initial_state(count, capacity(len(batch.inputs)))
        return batch, model(torch.from_numpy(batch.inputs), state)[0]


def right(model, task, count, **sizes):
    """Return the share of sequences without an error."""
    batch, logits = play(model, task, count, **sizes)
    answers = readout(task.answers).decode(logits).numpy()
    return ((answers == batch.targets).all(2) | ~batch.mask).all(0).mean()


def at_second(model, task, count, **sizes):
    """Return the accuracy at the second presentation."""
    batch, logits = play(model, task, count, **sizes)
    answers = readout(task.answers).decode(logits).numpy()
    return task.measure(batch, (answers == batch.targets).all(2))["presentation_2"].mean()


def excess(model, task, count, **sizes):
    """Return the mean cost of a sequence in bits, above that of the optimum."""
    batch, logits = play(model, task, count, **sizes)
    oracle = task.oracle()
    oracle.begin(count, capacity(len(batch.inputs)), seed=0)
    best = np.array([oracle.act(observations) for observations in batch.inputs])
    own, optimum = (
        task.answers.cost_in_bits(p, batch.targets) for p in (torch.sigmoid(logits).numpy(), best)
    )
    return ((own - optimum) * batch.mask).sum(0).mean()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name} on {folder.name}")
def test_it_has_learnt_its_task(folder):
    assert pretrained(folder.parent.name, folder.name) == folder
    model, run = load_run(folder)
    spec = run.task_spec()
    if spec.name in BITS:
        assert excess(model, spec.make(), 100, **spec.largest) < BITS[spec.name]
    elif spec.name in SECOND:
        assert at_second(model, spec.make(), 100, **spec.largest) >= SECOND[spec.name]
    else:
        assert right(model, spec.make(), 100, **spec.largest) >= SHARES.get(spec.name, 0.99)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"--agent {run.agent} --task {spec.name} --seed {run.seed}" in card
    assert sum(path.stat().st_size for path in folder.iterdir()) < 800_000


def test_a_machine_by_its_task():
    model = NTM.from_pretrained("copy")
    assert not model.training
    assert right(model, tasks.get("copy"), 5, length=200) == 1


def test_a_machine_that_jumps_repeats_more_often_than_in_training():
    model = NTM.from_pretrained("repeat_copy", "ntm-jump")
    assert right(model, tasks.get("repeat_copy"), 20, length=10, repeats=40) == 1


def test_a_dnc_repeats_lists_that_are_longer_than_in_training():
    model = DNC.from_pretrained("repeat_copy")
    assert right(model, tasks.get("repeat_copy"), 10, length=50, repeats=10) == 1


def test_a_dnc_follows_longer_paths_than_in_training():
    model = DNC.from_pretrained("traversal")
    assert right(model, tasks.get("traversal"), 20, nodes=10, path=7) >= 0.9


def test_a_missing_machine_is_named():
    with pytest.raises(ValueError, match=r"no trained ntm-jump on copy.*ntm on copy"):
        NTM.from_pretrained("copy", "ntm-jump")
    for agent, task in (("*", "copy"), ("ntm", "*"), ("ntm", None)):
        with pytest.raises(ValueError, match="no trained"):
            NTM.from_pretrained(task, agent)


def test_damaged_weights_are_named(tmp_path, monkeypatch):
    folder = shutil.copytree(HERE / "ntm" / "copy", tmp_path / "ntm" / "copy")
    monkeypatch.setattr("ntm_agents.pretrained.HERE", tmp_path)
    assert pretrained("ntm", "copy") == folder
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(CheckpointError, match=r"copy/model\.safetensors is damaged: .* install"):
        NTM.from_pretrained("copy")
