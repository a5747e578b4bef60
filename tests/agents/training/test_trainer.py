"""The supervised loop: batches, losses, gradients, and the weights that are kept."""

import itertools
import math
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from tiny_runs import lines, tiny_run
from torch import nn

from ntm_agents import Run, TrainConfig, Trainer
from ntm_agents.training import NonFiniteError
from ntm_agents.training.optimization import clip_gradients
from ntm_envs import tasks


def test_runs_of_different_seeds_differ():
    losses = []
    for seed in (0, 1):
        seen = []
        Trainer(tiny_run(seed, sequences=40), report=seen.append).train()
        losses.append(seen[0])
    assert losses[0] != losses[1]


def test_a_loss_that_is_not_finite_never_reaches_the_weights(tmp_path):
    trainer = Trainer(tiny_run(model={"poison": 11}, patience=6), tmp_path)
    with pytest.raises(NonFiniteError, match=r"update 16, .* for 6 updates.* keys of the batch: \[\d+"):
        trainer.train()
    assert trainer.counters.dropped == 6
    for tensor in trainer._state()[0].values():
        assert tensor.isfinite().all()
    dropped = [line for line in lines(tmp_path) if "dropped" in line]
    assert [line["dropped"] for line in dropped] == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(key, str) for key in dropped[0]["keys"])


def test_a_gradient_that_is_not_finite_is_dropped_and_training_continues():
    trainer = Trainer(tiny_run())
    poisoned = []

    def poison(gradient):
        poisoned.append(1)
        return gradient * float("inf") if len(poisoned) in (3, 4) else gradient

    trainer.model.output.bias.register_hook(poison)
    model = trainer.train()
    assert trainer.counters.dropped == 2
    assert trainer.counters.sequences == 400
    assert all(p.isfinite().all() for p in model.parameters())


def test_only_answer_steps_teach_and_padding_has_no_influence():
    trainer = Trainer(tiny_run(sequences=8))
    trainer.model.eval()
    task = tasks.get("copy")
    batch = task.episodes([1, 2, 3], length=np.array([2, 5, 3]))
    together, _ = trainer._forward(trainer.model, batch)
    total, count = 0.0, 0
    for key, length in ((1, 2), (2, 5), (3, 3)):
        loss, _ = trainer._forward(trainer.model, task.episodes([key], length=length))
        total += loss.item() * length
        count += length
    assert together.item() == pytest.approx(total / count, rel=1e-6)
    inputs = torch.from_numpy(batch.inputs).contiguous()
    logits, _ = trainer.model(inputs, trainer.model.initial_state(3, 16))
    mask = torch.from_numpy(batch.mask)
    logits.retain_grad()
    targets = torch.from_numpy(batch.targets)
    nn.functional.binary_cross_entropy_with_logits(logits[mask], targets[mask].float()).backward()
    assert not logits.grad[~mask].any()


def test_buckets_do_not_change_the_gradient():
    gradients, losses = [], []
    for size in (3, 100):
        train = TrainConfig(batch_size=16, mixed_sizes=True, bucket_size=size, max_grad_norm=None)
        model = {"hidden_size": 5, "memory_slots": 64}
        run = Run(agent="ntm", entry="ntm_agents:NTM", task="copy", model=model, train=train)
        trainer = Trainer(run, report=losses.append)
        trainer._update()
        trainer._log_loss()
        gradients.append([parameter.grad for parameter in trainer.model.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)
    assert losses[0]["loss"] == pytest.approx(losses[1]["loss"], rel=1e-5)


def test_the_penalty_makes_weightings_sharper():
    blurred = []
    for penalty in (0.0, 1.0):
        train = TrainConfig(sequences=960, penalty=penalty, penalty_start=0.0, penalty_end=0.0)
        run = Run(agent="ntm", entry="ntm_agents:NTM", task="copy", model={"hidden_size": 10}, train=train)
        model = Trainer(run).train()
        batch = tasks.get("copy").episodes([1, 2, 3], length=5)
        inputs = torch.from_numpy(batch.inputs)
        blurred.append(model.with_penalty(inputs, model.initial_state(3, 16))[1].item())
    assert blurred[1] < 0.9 * blurred[0]


def test_training_may_have_blank_vectors_and_validations_have_none():
    trainer = Trainer(tiny_run(task_overrides={"blank": 0.5}))
    empty = [(~trainer._batch(0.5).inputs.any(2)).mean() for trainer in (trainer, Trainer(tiny_run()))]
    assert empty[0] > empty[1]
    assert not trainer._task.blank
    with pytest.raises(
        ValueError, match=r"task_overrides has 'blank'; expected a parameter of the task: NGrams\(bits=1"
    ):
        Trainer(tiny_run(task="ngrams", task_overrides={"blank": 0.5}))


def test_a_penalty_needs_a_model_that_has_one():
    with pytest.raises(ValueError, match=r"penalty is 0.1.*Tiny has no with_penalty"):
        Trainer(tiny_run(penalty=0.1))


def test_gradients_are_scaled_down_to_the_largest_norm():
    for limit in (0.5, 1e9, None):
        parameters = [
            nn.Parameter(torch.zeros(3)),
            nn.Parameter(torch.zeros(2, 2)),
            nn.Parameter(torch.zeros(1)),
        ]
        parameters[0].grad, parameters[1].grad = torch.full((3,), 2.0), torch.ones(2, 2)
        expected = [p.grad.clone() * (1 if limit is None else min(1, limit / 4)) for p in parameters[:2]]
        assert clip_gradients(parameters, limit) == 4
        torch.testing.assert_close([p.grad for p in parameters[:2]], expected)
        assert parameters[2].grad is None


def test_a_model_that_is_right_is_evaluated_as_right():
    """A model that outputs the targets has no loss and no wrong sequence."""
    trainer = Trainer(tiny_run())
    batch = tasks.get("copy").episodes(np.arange(9), length=(1, 5))

    class Knows(nn.Module):
        def initial_state(self, batch_size, capacity):
            return torch.zeros(batch_size, 1)

        def forward(self, inputs, state):
            return torch.from_numpy(batch.targets) * 80.0 - 40.0, state

    loss, right = trainer._forward(Knows(), batch)
    assert loss.item() < 1e-12
    assert right.all()
    batch.targets[-1, batch.sizes["length"].argmax(), 0] ^= 1
    flipped = torch.from_numpy(batch.targets.copy())

    class Errs(Knows):
        def forward(self, inputs, state):
            wrong = flipped.clone()
            wrong[-1, batch.sizes["length"].argmax(), 0] ^= 1
            return wrong * 80.0 - 40.0, state

    assert trainer._forward(Errs(), batch)[1].sum() == 8


def test_training_and_validation_share_no_sequence(monkeypatch):
    trainer, played = Trainer(tiny_run()), {True: [], False: []}
    forward = trainer._forward

    def watched(model, batch, *others):
        played[model is trainer.model] += batch.keys.tolist()
        return forward(model, batch, *others)

    monkeypatch.setattr(trainer, "_forward", watched)
    trainer.train()
    assert len(set(played[True])) == len(played[True]) == 400
    assert len(set(played[False])) == 8, "the same ones each time"
    assert not set(played[True]) & set(played[False])


def test_the_minutes_of_a_budget_end_a_run(monkeypatch):
    now = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(now)))  # a second an update
    trainer = Trainer(tiny_run(sequences=10**9, minutes=0.5))
    trainer.train()
    assert trainer.counters.updates == trainer.counters.seconds == 30


def test_a_run_goes_by_random_numbers_of_its_own(tmp_path):
    def weights(trainer):
        return trainer.train().state_dict()["output.weight"]

    alone = [weights(Trainer(tiny_run(seed))) for seed in (0, 1)]
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trainers = [Trainer(tiny_run(seed)) for seed in (0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    for trainer, expected in zip(trainers, alone, strict=True):
        assert torch.equal(weights(trainer), expected)


def test_the_weights_of_least_loss_are_kept(monkeypatch):
    trainer = Trainer(tiny_run())
    evaluated = iter([(0.5, [False]), (0.6, [True]), (0.4, [False])])  # a correct answer may be luck
    monkeypatch.setattr(trainer, "_forward", lambda *_: map(torch.tensor, next(evaluated)))
    kept = []
    for _ in range(3):
        trainer.validate()
        kept.append(trainer.counters.best_loss)
    assert kept == pytest.approx([0.5, 0.5, 0.4])


def test_a_first_loss_that_is_not_finite_is_no_best_one(tmp_path, monkeypatch):
    trainer = Trainer(tiny_run(rollback=2.0), tmp_path)
    evaluated = iter([(math.nan, [False]), (0.6, [True]), (0.4, [False]), (math.nan, [False])])
    monkeypatch.setattr(trainer, "_forward", lambda *_: map(torch.tensor, next(evaluated)))
    kept = []
    for _ in range(4):
        trainer.validate()
        kept.append(trainer.counters.best_loss)
    assert kept == pytest.approx([math.nan, 0.6, 0.4, 0.4], nan_ok=True)
    assert trainer.counters.rollbacks == 1
    losses = [line["validation_loss"] for line in lines(tmp_path) if "validation_loss" in line]
    assert losses == pytest.approx([None, 0.6, 0.4, None])


def test_a_small_model_learns_a_short_copy():
    """The loop learns: one bit is copied after a few hundred updates."""
    run = tiny_run(sequences=6400, learning_rate=0.01, model={"hidden": 24}, batch_size=16)
    spec = tasks.TaskSpec(
        name="copy-1",
        env_id="test/Copy1-v0",
        task="ntm_envs.tasks.classic.copy:Copy",
        training={"length": 1},
        ladders={"length": ({"length": 1},)},
    )
    tasks.register(spec)
    trainer = Trainer(Run(**{**vars(run), "task": "copy-1"}))
    trainer.train()
    assert trainer.counters.best_accuracy > 0.9


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # those of torch's compiler
@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_compiled_steps_have_the_same_gradients(controller):
    model = {"controller": controller, "hidden_size": 8, "memory_width": 4, "kernel": "reference"}
    gradients = []
    for compiled in (False, True):
        run = Run(
            agent="ntm",
            entry="ntm_agents:NTM",
            task="copy",
            model=model,
            train=TrainConfig(compile=compiled, batch_size=3),
        )
        trainer = Trainer(run)
        trainer._update()
        gradients.append({name: p.grad for name, p in trainer.model.named_parameters()})
    assert gradients[0].keys() == gradients[1].keys()
    for name, expected in gradients[0].items():
        assert torch.isfinite(gradients[1][name]).all(), name
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-4, atol=1e-6, msg=name)


def test_the_process_that_compiles_the_kernel_rounds_like_others(tmp_path):
    """Compiled functions that it called, instead of its own copies of them, were once rounded otherwise."""
    script = (
        "import sys; from pathlib import Path; from ntm_agents import Run, TrainConfig, Trainer; "
        "model = {'controller': 'feedforward', 'shift_bias': (0.0, 0.0, 2.0, 0.0, 0.0, 0.0)}; "
        "run = Run(agent='ntm', entry='ntm_agents:NTM', task='copy', model=model, "
        "train=TrainConfig(sequences=320, validation_sequences=1)); "
        "Trainer(run, Path(sys.argv[1])).train()"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    for name in ("first", "second"):
        subprocess.run([sys.executable, "-c", script, tmp_path / name], env=environment, check=True)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("first", "second"))
    assert first == second
