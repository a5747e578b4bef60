"""`max_episode_steps` in vector environments: the truncation of `gym.make`."""

import gymnasium as gym
import numpy as np
import pytest
from equality import equal
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from ntm_envs import SequenceVectorEnv, tasks

IDS = [row.env_id for row in tasks.TABLE]


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("env_id", IDS)
def test_rows_are_truncated_as_single_environments_are(env_id, mode):
    """Some episodes end before the limit, some with it, and others after it."""
    row = tasks.spec(env_id)
    arguments = {**(row.small or {}), "reveal_target": issubclass(type(row.make()), tasks.SequenceTask)}
    limit = row.make().steps(**(row.small or row.training)) // 2
    ours = gym.make_vec(env_id, 4, autoreset_mode=mode, max_episode_steps=limit, **arguments)
    theirs = gym.make_vec(
        env_id,
        4,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        max_episode_steps=limit,
        **arguments,
    )
    equal(ours.reset(seed=3), theirs.reset(seed=3))
    ours.action_space.seed(0)
    cut = 0
    for _ in range(60):
        action = ours.action_space.sample()
        if env_id.startswith("ntm_envs/Tape"):
            action[:, 1] = 0  # a tape ends at its first wrong symbol
        mine = ours.step(action)
        equal(mine, theirs.step(action))
        cut += mine[3].sum()
        over = mine[2] | mine[3]
        if mode is AutoresetMode.DISABLED and over.any():
            options = {"reset_mask": over}
            equal(ours.reset(options=dict(options)), theirs.reset(options=dict(options)))
    assert cut > 3


def test_an_episode_that_ends_at_the_limit_is_both_terminated_and_truncated():
    env = SequenceVectorEnv("copy", 2, max_episode_steps=5, autoreset_mode="Disabled")
    env.reset(seed=0, options={"length": [2, 3]})
    for _ in range(4):
        *_, terminated, truncated, _ = env.step(np.zeros((2, 8)))
        assert not (terminated | truncated).any()
    _, _, terminated, truncated, info = env.step(np.zeros((2, 8)))
    assert terminated.tolist() == [True, False]
    assert truncated.tolist() == [True, True]
    assert info["_wrong_symbols"].all()
    with pytest.raises(ResetNeeded, match="row 0"):
        env.step(np.zeros((2, 8)))


def test_a_restored_environment_keeps_counting():
    first, second = (SequenceVectorEnv("tape_copy", 2, length=9, max_episode_steps=5) for _ in range(2))
    first.reset(seed=0)
    wait = np.tile([1, 0, 0], (2, 1))
    for _ in range(3):
        first.step(wait)
    second.restore(first.state())
    for _ in range(12):
        equal(first.step(wait), second.step(wait))


@pytest.mark.parametrize("limit", [0, -1, 2.0, True, "3", [3]], ids=repr)
def test_other_limits_are_refused(limit):
    with pytest.raises(ValueError, match="max_episode_steps is"):
        gym.make_vec("ntm_envs/Copy-v0", num_envs=2, max_episode_steps=limit)


def test_the_limit_of_a_registered_id_applies():
    spec = gym.spec("ntm_envs/Copy-v0")
    gym.register(
        "limited/Copy-v0",
        spec.entry_point,
        max_episode_steps=2,
        **{"vector_entry_point": spec.vector_entry_point, "kwargs": spec.kwargs},
    )
    try:
        env = gym.make_vec("limited/Copy-v0", num_envs=2)
        env.reset(seed=0)
        assert [env.step(np.zeros((2, 8)))[3].all() for _ in range(2)] == [False, True]
    finally:
        del gym.registry["limited/Copy-v0"]
