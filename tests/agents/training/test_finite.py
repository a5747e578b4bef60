"""Weights that are not finite are never saved."""

import math
import os
import signal

import pytest
import torch
from tiny_runs import tiny_run

from ntm_agents import Trainer
from ntm_agents.training import NonFiniteError


@pytest.mark.parametrize("stop", [False, True])
def test_weights_that_the_last_update_made_infinite_are_not_saved(tmp_path, stop):
    """Its loss and gradient are finite, so it is not dropped."""

    def interrupt(metrics):
        if stop:
            os.kill(os.getpid(), signal.SIGINT)

    overflow = {"optimizer": "adamw", "learning_rate": 1e30, "weight_decay": 1e9}
    run = tiny_run(sequences=1000 if stop else 8, log_every=1, **overflow)
    with pytest.raises(NonFiniteError, match=r"the weights .* are not finite after 1 updates"):
        Trainer(run, tmp_path, report=interrupt).train()
    assert not list(tmp_path.glob("*.safetensors"))
    assert not (tmp_path / "summary.json").exists()


def test_an_average_that_is_not_finite_is_not_kept():
    """It may overflow although all weights are finite: their difference may be infinite."""
    trainer = Trainer(tiny_run())
    with torch.no_grad():
        trainer._averaged.output.bias.fill_(math.inf)
    with pytest.raises(NonFiniteError, match=r"output\.bias are not finite"):
        trainer.validate()
    assert not trainer._best


def test_a_run_without_a_finite_validation_loss_fails(tmp_path, monkeypatch):
    trainer = Trainer(tiny_run(sequences=8), tmp_path)
    forward, nothing = trainer._forward, (torch.tensor(math.nan), torch.tensor([False]))
    monkeypatch.setattr(trainer, "_forward", lambda m, *rest: forward(m, *rest) if m.training else nothing)
    with pytest.raises(NonFiniteError, match="validation loss is nan"):
        trainer.train()
    assert not trainer.complete
