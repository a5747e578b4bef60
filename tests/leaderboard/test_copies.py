"""Copies of a model, and models that are right before training, are found."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from submissions import FEW, play, rewrite, trained
from torch import nn

from ntm_agents import ModelAgent, Run, TrainConfig, Trainer
from ntm_agents.registry import find
from ntm_envs import tasks
from ntm_leaderboard import cli
from ntm_leaderboard.board import numbers, submission, verify
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.board.copies import COPY, distance
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.harness.evaluate import evaluate
from ntm_leaderboard.harness.ladder import rungs_of
from ntm_leaderboard.harness.probe import sketch, sketch_of_outputs

TASK = tasks.spec("copy").make()


class Network(nn.Module):
    """Two layers, whose hidden units have no order."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Linear(TASK.input_size, 32), nn.Tanh(), nn.Linear(32, 8))

    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 1)

    def forward(self, inputs, state):
        return self.layers(inputs), state


def distances(one, other):
    """Return how far apart the outputs and the weights of two models are."""

    def sketches(model):
        weights = sketch(*(tensor.double().numpy() for tensor in model.state_dict().values()))
        return sketch_of_outputs(ModelAgent(model, TASK.answers), TASK), weights

    return [distance(*pair) for pair in zip(sketches(one), sketches(other), strict=True)]


def noisy(tensors, scale):
    generator = torch.Generator().manual_seed(0)
    noise = {name: torch.randn(t.shape, generator=generator) for name, t in tensors.items()}
    return {name: tensor * (1 + scale * noise[name]) for name, tensor in tensors.items()}


@pytest.mark.parametrize("scale", [1e-7, 1e-5, 1e-3, 1e-2])
def test_noise_on_its_weights_makes_no_other_model(scale):
    copy = Network(0)
    copy.load_state_dict(noisy(copy.state_dict(), scale))
    assert min(distances(Network(0), copy)) < COPY


def test_another_order_of_its_hidden_units_makes_no_other_model():
    copy, order = Network(0), torch.randperm(32, generator=torch.Generator().manual_seed(0))
    first, _, last = copy.layers
    with torch.no_grad():
        first.weight.copy_(first.weight[order])
        first.bias.copy_(first.bias[order])
        last.weight.copy_(last.weight[:, order])
    outputs, weights = distances(Network(0), copy)
    assert outputs < COPY / 100
    assert weights > COPY


def test_models_of_other_seeds_are_far_apart():
    apart = [distances(Network(0), Network(seed)) for seed in range(1, 6)]
    assert min(map(min, apart)) > 10 * COPY


def test_a_sketch_has_the_distances_of_what_it_is_of(monkeypatch):
    whole = torch.randn(2, 5000, generator=torch.Generator().manual_seed(0)).double().numpy()
    one, other = whole[0], whole[0] + 0.1 * whole[1]
    expected = 0.1 / 2**0.5
    assert distance(sketch(one), sketch(other)) == pytest.approx(expected, rel=0.3)
    before = sketch(one)
    monkeypatch.setattr("ntm_leaderboard.harness.probe.AT_ONCE", 7)
    assert sketch(one[:3000], one[3000:]) == pytest.approx(before, rel=1e-4)


@pytest.mark.usefixtures("short_ladder")
def test_a_copy_with_another_seed_is_doubted(tmp_path, capsys):
    run = trained(tmp_path / "runs" / "seed-0")
    copy = shutil.copytree(run, tmp_path / "runs" / "seed-1")
    rewrite(copy / "config.json", lambda config: config.update(seed=1))
    save_file(noisy(load_file(run / "model.safetensors"), 1e-7), copy / "model.safetensors")
    (copy / "result.json").unlink()
    evaluate(from_run(copy), copy / "result.json", **FEW)
    submission.pack([run, copy], tmp_path / "submission")
    assert cli.main(["verify", str(tmp_path / "submission")]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.count("doubted") == 1
    assert "is a copy of that of lstm, seed 0" in printed


SOLVER = """
import torch

class ByHand(torch.nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.full((output_size,), 5.0))

    def initial_state(self, batch_size, capacity):
        return torch.ones(batch_size, 1)

    def forward(self, inputs, state):
        even = torch.cumprod(torch.cat([state.T, 1 - 2 * inputs[:, :, 1]]), 0)[1:]
        return torch.stack([even, -even], -1) * self.scale, even[-1:].T
"""


def test_a_model_that_is_right_before_training_has_learnt_nothing(tmp_path, capsys, monkeypatch):
    (tmp_path / "solver.py").write_text(SOLVER, encoding="utf-8")
    row = find(f"{tmp_path / 'solver.py'}:ByHand", ())
    train = TrainConfig(sequences=32, batch_size=16, validation_sequences=4)
    run = Run(agent=row.name, entry=row.entry, task="parity", model={}, train=train)
    folder = tmp_path / "run"
    Trainer(run, folder).train()
    found = evaluate(from_run(folder), folder / "result.json", up_to=60, sequences=16)
    assert found.probe.untrained == 1.0
    assert cli.main(["leaderboard", "show", "--alone", "--results", str(folder)]) == 0
    assert "not learnt" in " ".join(capsys.readouterr().out.split())
    (shown,) = Boards.read([folder], shipped=False).by_suite["formal"].rows
    assert not shown.learnt
    for module in (verify, numbers):
        monkeypatch.setattr(module, "rungs_of", lambda spec: rungs_of(spec, up_to=60, sequences=16))
    (packed,) = submission.pack([folder], tmp_path / "submission")
    rewrite(packed / "result.json", lambda result: result["probe"].update(untrained=0.0))
    assert play(packed).result.probe.untrained == 1.0  # whatever is claimed


@pytest.mark.usefixtures("short_ladder")
def test_the_initial_weights_of_a_model_play_in_its_process_as_in_this_one(packed):
    claimed = json.loads((packed[0] / "result.json").read_text(encoding="utf-8"))["probe"]
    found = play(packed[0], nonce="0" * 64).result.probe
    assert found.untrained == claimed["untrained"]
    assert found.outputs == pytest.approx(claimed["outputs"], rel=1e-3)
    assert found.weights == claimed["weights"]


@pytest.mark.usefixtures("short_ladder")
@pytest.mark.parametrize("name", ["state_values", "parameters"])
def test_sizes_below_those_of_the_model_are_refused(packed, own_model, name):
    folder = packed[0] if name == "state_values" else own_model()[0]
    for file, part in (("summary.json", ()), ("result.json", ("training",))):
        if part or name == "parameters":
            rewrite(folder / file, lambda record: (record[part[0]] if part else record).update({name: 1}))  # noqa: B023
    verify.check(folder, trust_code=True)
    with pytest.raises(ValueError, match=f"result.json has {name} 1; expected at least "):
        play(folder)
