"""What validations change: restarts, the way back to the best weights, and the learning rate."""

import pytest
import torch
from tiny_runs import lines, tiny_run

from ntm_agents import Trainer


def test_a_stuck_run_starts_again_with_its_whole_budget():
    seen = []
    trainer = Trainer(tiny_run(restart_after=150, restart_loss=1e-9, restarts=2), report=seen.append)
    trainer.train()
    restarts = [line for line in seen if "restarts" in line]
    assert [line["restarts"] for line in restarts] == [1, 2]
    assert [line["sequences"] for line in restarts] == [208, 416]  # the first validations behind 150
    assert trainer.counters.sequences == 416 + 400
    seen.clear()
    uneven = tiny_run(batch_size=16, validate_every=24, restart_after=36, restart_loss=1e-9, restarts=1)
    Trainer(uneven, report=seen.append).train()  # a validation at 32 and one at 64, and none in between
    assert [line["sequences"] for line in seen if "restarts" in line] == [64]
    seen.clear()
    Trainer(tiny_run(restart_after=150, restart_loss=10), report=seen.append).train()
    assert not [line for line in seen if "restarts" in line]


@pytest.mark.parametrize("rollback", [None, 1e9, 1.5])
def test_weights_that_have_diverged_are_rolled_back(rollback):
    seen = []
    trainer = Trainer(tiny_run(rollback=rollback), report=seen.append)
    trainer.validate()
    best = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    with torch.no_grad():
        for parameter in [*trainer.model.parameters(), *trainer._averaged.parameters()]:
            parameter.mul_(100)
    trainer.validate()
    assert trainer.counters.rollbacks == (rollback == 1.5)
    assert ("rollbacks" in seen[-1]) == (rollback == 1.5)
    for model in (trainer.model, trainer._averaged):
        same = all(torch.equal(tensor, best[name]) for name, tensor in model.state_dict().items())
        assert same == (rollback == 1.5)


def test_the_rate_falls_at_each_rollback_until_a_restart(monkeypatch):
    options = {"schedule": "constant", "learning_rate": 1e-3, "validate_every": 80, "log_every": 1}
    options |= {"rollback": 2.0, "rollback_rate": 0.5, "restart_after": 320, "restart_loss": 0.1}
    trainer = Trainer(tiny_run(**options, restarts=1), report=(seen := []).append)
    forward, losses = trainer._forward, iter([0.5, 9.0, 9.0, 0.6])

    def diverging(model, batch, *others):  # at the second and the third validation
        loss, right = forward(model, batch, *others)
        return (loss, right) if model is trainer.model else (torch.tensor(next(losses)), right)

    monkeypatch.setattr(trainer, "_forward", diverging)
    trainer.train()
    rates = [line["learning_rate"] for line in seen if "learning_rate" in line]
    assert rates[:40] == [1e-3] * 20 + [5e-4] * 10 + [2.5e-4] * 10
    assert set(rates[40:]) == {1e-3}


def test_the_learning_rate_of_the_optimizer_follows_the_schedule(tmp_path):
    Trainer(tiny_run(decay_start=0, final_rate=0), tmp_path).train()
    rates = [line["learning_rate"] for line in lines(tmp_path) if "learning_rate" in line]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(0.003 * (1 - 4 / 50))


def test_the_rate_falls_from_the_first_validation_that_is_solved(monkeypatch):
    options = {"decay_start": 0.8, "final_rate": 0.0, "learning_rate": 1e-3, "validate_every": 40}
    trainer = Trainer(tiny_run(**options, solved_loss=0.1, log_every=1), report=(seen := []).append)
    forward, losses = trainer._forward, iter([0.5, 0.1, 0.09, 0.5, *[0.01] * 6])

    def solved(model, batch, *others):  # at the third validation, and lost at the fourth
        loss, right = forward(model, batch, *others)
        return (loss, right) if model is trainer.model else (torch.tensor(next(losses)), right)

    monkeypatch.setattr(trainer, "_forward", solved)
    trainer.train()
    assert trainer.counters.solved_at == 120
    before = [(line["sequences"] - 8) / 400 for line in seen if "learning_rate" in line]
    rates = [line["learning_rate"] for line in seen if "learning_rate" in line]
    assert rates == pytest.approx([1e-3 * min(1, (1 - progress) / 0.7) for progress in before])


def test_a_restart_forgets_that_a_run_was_solved():
    options = {"restart_after": 150, "restart_loss": 1e-9, "restarts": 1, "solved_loss": 10.0}
    trainer = Trainer(tiny_run(**options, log_every=1), report=(seen := []).append)
    trainer.train()
    (restarted,) = [line["sequences"] for line in seen if "restarts" in line]
    assert trainer.counters.solved_at == restarted + 104  # the first validation after it
    rates = {line["sequences"]: line["learning_rate"] for line in seen if "learning_rate" in line}
    assert rates[restarted] < rates[restarted + 8] == trainer.config.learning_rate
