"""Supervised training on interactive tasks that have an expert."""

import guided
import numpy as np
import pytest
import torch
from tiny_runs import interrupted, tiny_run, without_time

from ntm_agents import Trainer
from ntm_agents.training.imitation import roll_out
from ntm_envs.tasks.interactive.tape import RIGHT
from ntm_envs.testing import check_task

KEYS, SIZES = np.arange(200), {"length": (1, 6)}
TASK = f"{guided.__file__}:GUIDED"


class Strays:
    """An agent that goes to the left, and writes nothing."""

    outputs = "probabilities"
    seen: list

    def begin(self, num_envs, capacity, seed):
        self.seen = []

    def act(self, observations):
        self.seen.append(observations)
        return np.tile([1, 0, 1, 0, 1, 0], (len(observations), 1))


def test_the_task_of_these_tests_is_one():
    check_task(guided.Guided(), guided.GUIDED.training)


def test_the_expert_plays_without_an_error_where_no_answer_is_the_agents_own():
    batch, right = roll_out(guided.Guided(), KEYS, SIZES, Strays(), own=0.0)
    assert right.all()
    assert (batch.steps == batch.sizes["length"]).all()
    assert (batch.mask == (np.arange(len(batch.mask))[:, None] < batch.steps)).all()
    assert (batch.targets[:, :, 1] == batch.mask).all()
    assert (batch.targets[:, :, 2] == batch.inputs.argmax(2) * batch.mask).all()
    assert len(batch.inputs) == 6
    assert not batch.inputs[~batch.mask].any()


def test_targets_are_those_of_the_states_that_the_agent_has_reached():
    agent = Strays()
    batch, right = roll_out(guided.Guided(), KEYS, {"length": 3}, agent, own=1.0)
    assert not right.any()
    assert (batch.steps == 10).all(), "the time limit"
    assert (batch.targets[:, :, 0] == RIGHT).all()
    assert batch.targets[0, :, 1].all()
    assert not batch.targets[1:, :, 1].any()  # it is to the left of the tape, and should go back
    assert batch.inputs[1:, :, -1].all()
    np.testing.assert_array_equal(agent.seen, batch.inputs)


def test_the_share_of_own_answers_is_drawn_by_key():
    task, share = guided.Guided(), 0.3
    batch, _ = roll_out(task, KEYS, {"length": 9}, Strays(), own=share)
    again, _ = roll_out(task, KEYS[50:], {"length": 9}, Strays(), own=share)
    np.testing.assert_array_equal(batch.steps[50:], again.steps)
    np.testing.assert_array_equal(batch.inputs[: len(again.inputs), 50:], again.inputs)
    strayed = batch.inputs[1, :, -1]  # the head is to the left of the tape
    assert strayed.mean() == pytest.approx(share, abs=0.1)


def test_a_task_may_ask_at_some_steps_alone():
    class Silent(guided.Guided):
        def asks(self, state):
            return state["step"] % 2 == 1

    batch, _ = roll_out(Silent(), KEYS, SIZES, Strays(), own=0.0)
    step = np.arange(len(batch.mask))[:, None]
    assert (batch.mask == ((step < batch.steps) & (step % 2 == 1))).all()


@pytest.mark.parametrize(
    "train", [{"own_actions": 0.8}, {"own_actions": 1.0, "mixed_sizes": True, "rollback": 1.0001}], ids=str
)
def test_a_run_with_an_expert_that_was_interrupted_ends_in_the_same_bytes(tmp_path, train):
    def run():
        return tiny_run(task=TASK, **train)

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    Trainer(run(), whole).train()
    interrupted(lambda report: Trainer(run(), parts, report=report), parts)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)


def test_own_answers_become_more_frequent_and_the_model_stays_in_training():
    trainer = Trainer(tiny_run(task=TASK, own_actions=1.0, batch_size=64))
    with torch.no_grad():  # it goes to the left, and writes nothing
        trainer.model.output.bias.copy_(torch.tensor([9.0, 0, 9, 0, 9, 0]))
    lengths = [trainer._batch(progress).steps.mean() for progress in (0.0, 0.5, 1.0)]
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[1] < lengths[2]
    assert trainer.model.training


def test_a_small_model_learns_from_an_expert():
    options = {"sequences": 6_400, "batch_size": 32, "learning_rate": 0.01, "own_actions": 0.5}
    trainer = Trainer(tiny_run(task=TASK, model={"hidden": 32}, validate_every=1_600, **options))
    trainer.train()
    assert trainer.counters.best_accuracy == 1.0


def test_a_task_without_an_expert_is_refused():
    with pytest.raises(ValueError, match="tape_copy is interactive and has no expert; learn it from rewards"):
        Trainer(tiny_run(task="tape_copy"))


def test_own_actions_on_a_task_that_is_not_interactive_are_refused():
    with pytest.raises(ValueError, match=r"own_actions is 0\.5, but copy is not interactive; expected 0"):
        Trainer(tiny_run(own_actions=0.5))
