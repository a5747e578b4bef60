"""Models on other devices than the CPU. Most of these tests need a GPU, and are skipped without one."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from tiny_runs import tiny_run, untimed_result
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.testing import assert_close

from ntm_agents import Trainer
from ntm_agents.protocol import tensors
from ntm_agents.training.run import load_run
from ntm_envs import tasks
from ntm_leaderboard.cli import main
from ntm_leaderboard.harness.entrants import AGENTS, new_run

on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
LEARNERS = [row for row in AGENTS if row.learns]
READS_A_NUMBER = {"transformer"}
"""Agents that wait for the device once in each call, for the number of filled slots."""
EXACT = {"rtol": 1e-9, "atol": 1e-11}


def built(agent):
    """Return the model of an agent on Copy, in float64 and without noise."""
    torch.manual_seed(0)
    return new_run(agent, "copy").build(tasks.spec("copy").make()).double().eval()


def models_of(row):
    """Yield the models of all different recipes of an agent, and the tasks that they are for."""
    seen, names = [], {*tasks.names()}
    for name, recipe in (*row.recipes.items(), ("copy", row.default)):
        if (model := recipe.model) not in seen:
            seen.append(model)
            task = name if name in names else tasks.suite(name)[0].name
            made = tasks.get(task)
            yield new_run(row.name, task, recipe=recipe).build(made).train(), made


@pytest.mark.parametrize("row", LEARNERS, ids=lambda row: row.name)
def test_models_compute_on_their_own_device_alone_and_do_not_wait_for_it(row):
    """On a device without numbers, it is an error to read one, or to mix in tensors of another device."""
    for model, task in models_of(row):
        model.to("meta")
        reads = pytest.raises(DataDependentOutputException) if row.name in READS_A_NUMBER else nullcontext()
        with FakeTensorMode(allow_non_fake_inputs=True), reads:
            inputs = torch.empty(4, 2, task.input_size, device="meta")
            logits, _ = model(inputs, model.initial_state(2, 8))
            logits.sum().backward()


def results(model, inputs, device):
    """Return logits, state and gradients of a model on a device, and the logits without gradients.

    A state's indices are left out: which of equal numbers are among the largest ones is up to the device.
    """
    model, inputs = model.to(device), inputs.to(device)
    model.zero_grad()
    for layer in model.modules():
        if isinstance(layer, torch.nn.RNNBase):
            layer.train()  # or cuDNN has no gradients; there is no dropout between the layers
    logits, state = model(inputs, model.initial_state(inputs.shape[1], 16))
    logits.square().mean().backward()
    with torch.no_grad():
        again, _ = model(inputs, model.initial_state(inputs.shape[1], 16))
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    parts = {"logits": logits, **dict(tensors(state)), **gradients, "without gradients": again}
    assert {part.device.type for part in parts.values()} == {device}
    return {name: part.detach().cpu() for name, part in parts.items() if part.is_floating_point()}


@on_a_gpu
@pytest.mark.parametrize("agent", [row.name for row in LEARNERS])
def test_logits_states_and_gradients_are_those_of_the_cpu(agent):
    model, batch = built(agent), tasks.spec("copy").make().episodes(np.arange(3), length=5)
    inputs = torch.from_numpy(batch.inputs).double()
    expected = results(model, inputs, "cpu")
    found = results(model, inputs, "cuda")
    assert found.keys() == expected.keys()
    for name, part in found.items():
        assert_close(part, expected[name], **EXACT, msg=lambda text, name=name: f"{name}: {text}")


@on_a_gpu
@pytest.mark.parametrize(
    "agent", ["ntm-one", "dnc", "dntm-hard", "mann", "sam", "lstm", "transformer", "mamba"]
)
def test_a_run_is_trained_evaluated_and_played_on_it(agent, tmp_path):
    run = str(tmp_path / "run")
    train = ["train", "--agent", agent, "--task", "copy", "--sequences", "64", "--output", run]
    assert main([*train, "--device", "cuda"]) == 0
    scores = []
    for device in ("cuda", "cpu"):
        (tmp_path / "run" / "result.json").unlink(missing_ok=True)
        assert main(["evaluate", run, "--sequences", "16", "--up-to", "40", "--device", device]) == 0
        rungs = untimed_result(tmp_path / "run" / "result.json")["rungs"]
        scores.append([rung["score"]["mean_return"] for rung in rungs])
    assert scores[0] == pytest.approx(scores[1], abs=0.02)  # single bits may differ, by rounding
    assert {p.device.type for p in load_run(tmp_path / "run")[0].parameters()} == {"cpu"}


@on_a_gpu
@pytest.mark.filterwarnings("ignore:You are trying to run")  # of Stable-Baselines3: a CPU is faster
@pytest.mark.parametrize("agent", ["ppo", "a2c", "recurrent-ppo", "ntm-ppo"])
def test_it_is_trained_from_rewards_on_it(agent, tmp_path):
    run = str(tmp_path / "run")
    train = ["train", "--agent", agent, "--task", "copy", "--total-timesteps", "4096", "--output", run]
    assert main([*train, "--device", "cuda"]) == 0
    assert main(["evaluate", run, "--sequences", "16", "--up-to", "40", "--device", "cuda"]) == 0


@on_a_gpu
def test_a_run_that_was_stopped_goes_on(tmp_path):
    class Stopped(Exception):
        pass

    def stop(metrics):
        if "validation_loss" in metrics and metrics["sequences"] >= 200:
            raise Stopped

    with pytest.raises(Stopped):
        Trainer(tiny_run(), tmp_path, report=stop, device="cuda").train()
    assert Trainer(tiny_run(), tmp_path, device="cuda").train() is not None
