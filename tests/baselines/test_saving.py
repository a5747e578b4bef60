"""Agents and policies are saved, loaded and played as those of Stable-Baselines3."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from rewards import COPY, ENTRIES, reward_run, start
from stable_baselines3 import A2C, PPO
from tape import Tape

from ntm_agents.protocol import mapped, tensors
from ntm_baselines import LSTM
from ntm_baselines.sb3 import MemoryPolicy, MemoryPPO, RecurrentPPO, SequenceVecEnv

OBSERVATIONS = np.random.default_rng(0).normal(0, 4, (4, 3, 9)).astype(np.float32)


def agent(model=None):
    policy = {"model": model or LSTM(9, 8, hidden_size=16), "capacity": 8, "hidden_size": 5}
    env = SequenceVecEnv(COPY, 3, length=2)
    return MemoryPPO(MemoryPolicy, env, n_steps=8, batch_size=24, policy_kwargs=policy, seed=0)


def actions_of(player):
    """Return the most probable actions of an agent or a policy in a few steps."""
    state, chosen = None, []
    for observation in OBSERVATIONS:
        actions, state = player.predict(observation, state, deterministic=True)
        chosen.append(actions)
    return np.array(chosen)


def test_a_policy_is_loaded_as_it_was_saved(tmp_path):
    policy = agent().learn(24).policy
    policy.save(tmp_path / "policy")
    loaded = MemoryPolicy.load(tmp_path / "policy")
    for one, other in zip(policy.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(one, other)
    np.testing.assert_array_equal(actions_of(loaded), actions_of(policy))


def test_an_agent_is_loaded_in_another_process(tmp_path):
    saved = agent().learn(24)
    saved.save(tmp_path / "agent.zip")
    np.save(tmp_path / "seen.npy", OBSERVATIONS)
    code = (
        "import numpy as np\nfrom ntm_baselines.sb3 import MemoryPPO\n"
        "agent, state, chosen = MemoryPPO.load('agent.zip'), None, []\n"
        "for seen in np.load('seen.npy'):\n"
        "    actions, state = agent.predict(seen, state, deterministic=True)\n"
        "    chosen.append(actions)\n"
        "np.save('chosen.npy', np.array(chosen))\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "chosen.npy"), actions_of(saved))


def test_a_loaded_agent_learns_on_in_an_environment_of_another_size(tmp_path):
    saved = agent().learn(24)
    saved.save(tmp_path / "agent")
    loaded = MemoryPPO.load(tmp_path / "agent", env=SequenceVecEnv(COPY, 5, length=2))
    assert loaded.learn(40).num_timesteps == 40
    assert not torch.equal(loaded.policy.model.output.weight, saved.policy.model.output.weight)
    loaded.set_parameters(saved.get_parameters())
    np.testing.assert_array_equal(actions_of(loaded), actions_of(saved))
    loaded.set_parameters(tmp_path / "agent")


@pytest.mark.parametrize("name", ENTRIES)
def test_the_algorithm_of_a_trainer_can_be_saved(tmp_path, name):
    algorithm = start(reward_run(*ENTRIES[name])).algorithm
    algorithm.save(tmp_path / "agent")
    loaded = type(algorithm).load(tmp_path / "agent")
    for one, other in zip(algorithm.policy.parameters(), loaded.policy.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("kind", "policy"), [(PPO, "MlpPolicy"), (A2C, "MlpPolicy"), (RecurrentPPO, "MlpLstmPolicy")]
)
def test_agents_of_other_policies_learn_bits_and_are_saved(tmp_path, kind, policy):
    env = SequenceVecEnv(COPY, 2, length=2)
    options = {} if kind is A2C else {"batch_size": 16}
    saved = kind(policy, env, n_steps=8, **options).learn(32)
    saved.save(tmp_path / "agent")
    assert kind.load(tmp_path / "agent", env=env).learn(16).num_timesteps == 16


@pytest.mark.parametrize("model", [LSTM, Tape])
def test_a_policy_plays_on_from_arrays_and_leaves_the_state_as_it_is(model):
    player = agent(model(9, 8, hidden_size=4))
    _, state = player.predict(OBSERVATIONS[0])
    arrays = mapped(lambda tensor: tensor.numpy().copy(), state)
    before = [tensor.clone() for _, tensor in tensors(state)]
    actions, after = player.predict(OBSERVATIONS[1], state, deterministic=True)
    again, same = player.predict(OBSERVATIONS[1], arrays, deterministic=True)
    np.testing.assert_array_equal(again, actions)
    for (_, one), (_, other) in zip(tensors(after), tensors(same), strict=True):
        assert torch.equal(one, other)
    assert all(torch.equal(one, other) for one, (_, other) in zip(before, tensors(state), strict=True))
    _, begun = player.predict(OBSERVATIONS[1], state, episode_start=np.array([True, False, False]))
    assert begun.steps.tolist() == [1, 2, 2]


def test_an_episode_of_more_steps_than_the_capacity_is_an_error():
    player, state = agent(Tape(9, 8)), None
    for _ in range(8):
        _, state = player.predict(OBSERVATIONS[0], state)
    with pytest.raises(ValueError, match="capacity is 8, and an episode has 9 observations; expected"):
        player.predict(OBSERVATIONS[0], state)
