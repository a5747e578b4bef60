"""Gymnasium's wrappers, around single and vector environments of every task."""

import gymnasium as gym
import numpy as np
import pytest
from equality import equal
from gymnasium import wrappers
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import vector

from ntm_envs import tasks

IDS = [row.env_id for row in tasks.TABLE]


def play(env, seed=0):
    """Play an episode with random actions, and return its observations, rewards and last info."""
    observation, info = env.reset(seed=seed)
    env.action_space.seed(seed)
    observations, rewards, over = [observation], [], False
    while not over:
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        over = terminated or truncated
        observations.append(observation)
        rewards.append(reward)
    return observations, rewards, info


@pytest.mark.parametrize("env_id", IDS)
def test_an_episode_is_recorded_as_it_was(env_id):
    plain, rewards, _ = play(gym.make(env_id))
    env = wrappers.RecordEpisodeStatistics(gym.make(env_id))
    _, _, info = play(env)
    assert info["episode"]["l"] == len(rewards) == len(plain) - 1
    assert info["episode"]["r"] == pytest.approx(sum(rewards))


@pytest.mark.parametrize("env_id", IDS)
def test_stacked_frames_are_the_last_observations(env_id):
    plain, _, _ = play(gym.make(env_id))
    stacked, _, _ = play(wrappers.FrameStackObservation(gym.make(env_id), 4, padding_type="zero"))
    history = np.concatenate([np.zeros((3, *plain[0].shape), plain[0].dtype), plain])
    for step, frames in enumerate(stacked):
        np.testing.assert_array_equal(frames, history[step : step + 4])


@pytest.mark.parametrize("env_id", IDS)
def test_wrappers_can_be_nested(env_id):
    env = gym.make(env_id, render_mode="rgb_array", max_episode_steps=10_000)
    env = wrappers.TimeAwareObservation(wrappers.Autoreset(wrappers.FlattenObservation(env)))
    env = wrappers.RenderCollection(wrappers.TransformReward(env, lambda reward: 2 * reward))
    plain, rewards, _ = play(gym.make(env_id))
    observations, doubled, _ = play(env)
    assert env.observation_space.contains(observations[0])
    for observation, own in zip(observations, plain, strict=True):
        np.testing.assert_array_equal(observation[:-1], own)  # the last is the time
    np.testing.assert_allclose(doubled, 2 * np.array(rewards))
    frames = env.render()
    assert len(frames) == len(plain)
    assert all(frame.shape == frames[0].shape and frame.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
@pytest.mark.parametrize("env_id", IDS)
def test_many_environments_are_recorded_as_those_of_gymnasium(env_id, mode):
    """Before Gymnasium 1.4 the wrapper counts a step too few in mode ``SameStep``, around any environment."""
    ours = gym.make_vec(env_id, 3, autoreset_mode=mode)
    theirs = gym.make_vec(env_id, 3, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    envs = [
        vector.TransformReward(vector.RecordEpisodeStatistics(env), np.negative) for env in (ours, theirs)
    ]
    ours.action_space.seed(0)
    equal(*(env.reset(seed=0) for env in envs))
    ended = 0
    while ended < 7:
        action = ours.action_space.sample()
        mine, other = (env.step(action) for env in envs)
        for info in (mine[-1], other[-1]):
            info.get("episode", {}).pop("t", None)  # the time that it took
        equal(mine, other)
        over = mine[2] | mine[3]
        ended += over.sum()
        if over.any():
            np.testing.assert_array_equal(mine[-1]["_episode"], over)


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasium_vectorises_wrapped_environments(env_id):
    stack = [lambda env: wrappers.FrameStackObservation(env, 4)]
    env = gym.make_vec(env_id, 2, vectorization_mode="sync", wrappers=stack)
    env = vector.NormalizeReward(env)
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(20):
        observations, rewards, *_ = env.step(env.action_space.sample())
    assert env.observation_space.contains(observations)
    assert np.isfinite(rewards).all()
