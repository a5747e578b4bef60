"""A model that acts step by step in an environment outputs what it outputs for the whole sequence."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

import ntm_envs
from ntm_agents.acting import ModelAgent
from ntm_agents.machines.ntm import NTM
from ntm_envs import tasks
from ntm_envs.answers import Bits


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_acting_in_an_environment_is_the_whole_sequence(controller):
    task, keys = tasks.get("copy"), np.arange(3)
    batch = task.episodes(keys, length=6)
    capacity = ntm_envs.capacity(len(batch.mask))
    torch.manual_seed(0)
    model = NTM(task.input_size, task.output_size, controller=controller, controller_noise=0.5)
    agent = ModelAgent(model, task.answers)
    assert isinstance(agent, ntm_envs.Agent)

    envs = gym.make_vec(
        "ntm_envs/Copy-v0", num_envs=3, autoreset_mode=AutoresetMode.DISABLED, actions="probabilities"
    )
    observations, _ = envs.reset(options={"key": keys, "length": 6})
    agent.begin(3, capacity, seed=0)
    acted = []
    for _ in range(len(batch.mask)):
        acted.append(agent.act(observations))
        observations, _, terminated, _, _ = envs.step(acted[-1])
    assert terminated.all()
    envs.close()

    with torch.no_grad():
        logits, state = model(torch.from_numpy(batch.inputs), model.initial_state(3, capacity))
    np.testing.assert_allclose(np.stack(acted), logits.sigmoid(), atol=1e-6)
    torch.testing.assert_close(agent.state.memory, state.memory)


def test_beginning_again_forgets_everything():
    torch.manual_seed(0)
    agent, observations = ModelAgent(NTM(3, 2), Bits(2)), np.ones((2, 3), np.float32)
    agent.begin(2, 8, seed=0)
    first = agent.act(observations)
    assert not np.array_equal(agent.act(observations), first)
    agent.begin(2, 8, seed=1)
    np.testing.assert_array_equal(agent.act(observations), first)


def test_the_model_can_be_trained_on_after_it_acted():
    model = NTM(3, 2)
    agent = ModelAgent(model, Bits(2))
    agent.begin(1, 4, seed=0)
    agent.act(np.zeros((1, 3), np.float32))
    assert not model.training
    logits, _ = model.train()(torch.zeros(2, 1, 3), model.initial_state(1, 4))
    logits.sum().backward()
    assert model.output.weight.grad is not None
