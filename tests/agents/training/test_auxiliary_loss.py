"""A model's auxiliary loss: it joins the cross-entropy in training, and nothing else takes its place."""

from functools import partial

import pytest
import torch
from good_models import Good
from tiny_runs import tiny_run

from ntm_agents import Trainer
from ntm_agents.readout import readout
from ntm_agents.testing import ModelError, check_model
from ntm_agents.training.config import TrainConfig
from ntm_agents.training.forward import Forward
from ntm_envs import tasks
from ntm_envs.answers import Bits, Symbols


class WithCosts(Good):
    """A model whose auxiliary loss is twice the cross-entropy, and its gradient."""

    def __init__(self, input_size: int, output_size: int):
        super().__init__(input_size, output_size)

    def with_auxiliary_loss(self, inputs, state, costs):
        logits, _ = self(inputs, state)
        return logits, 2 * costs(logits).sum()


class LossOfEachRow(WithCosts):
    def with_auxiliary_loss(self, inputs, state, costs):
        logits, _ = self(inputs, state)
        return logits, costs(logits).sum(0)


@pytest.mark.parametrize("answers", [Bits(3), Symbols((2, 5))], ids=repr)
def test_shares_of_steps_sum_to_the_loss_and_are_those_of_their_targets(answers):
    torch.manual_seed(0)
    logits = torch.randn(5, 4, answers.logits, dtype=torch.float64)
    targets = torch.stack([torch.randint(size, (5, 4)) for size in answers.sizes], -1)
    mask = torch.rand(5, 4) < 0.5
    shares = readout(answers).shares(logits, targets, mask)
    assert shares.shape == (5, 4)
    assert not shares[~mask].any()
    expected = readout(answers).loss(logits[mask], targets[mask])
    torch.testing.assert_close(shares.sum(), expected)
    alone = torch.zeros_like(mask)
    alone[tuple(mask.nonzero()[0])] = True
    one = readout(answers).shares(logits, targets, alone)
    torch.testing.assert_close(one.sum(), shares[alone].sum() * mask.sum())


def test_it_joins_the_cross_entropy_in_training_alone():
    task = tasks.get("copy")
    model = WithCosts(task.input_size, task.output_size)
    forward = partial(
        Forward(readout(task.answers), torch.device("cpu"), TrainConfig()),
        batch=task.episodes(range(3), length=4),
    )
    in_training, _ = forward(model.train())
    in_evaluation, _ = forward(model.eval())
    torch.testing.assert_close(in_training, 3 * in_evaluation)


@pytest.mark.parametrize("option", [{"penalty": 0.1}, {"compile": True}], ids=str)
def test_what_would_replace_it_is_refused(option):
    entry = f"{__file__}:WithCosts"
    with pytest.raises(ValueError, match=f"{next(iter(option))} is .*, but WithCosts has an auxiliary loss"):
        Trainer(tiny_run(entry=entry, **option))


def test_check_model_knows_it():
    check_model(WithCosts)
    with pytest.raises(
        ModelError, match=r"with_auxiliary_loss returned the loss .*expected one finite number"
    ):
        check_model(LossOfEachRow)
