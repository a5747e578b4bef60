"""Environments of all tasks: Gymnasium's checks, and agreement of single, vector and batch."""

import copy
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from equality import equal
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from ntm_envs import SequenceEnv, SequenceVectorEnv, tasks
from ntm_envs.tasks.classic.copy import Copy

IDS = [row.env_id for row in tasks.TABLE]
SMALL = {row.env_id: dict(row.small or row.training) for row in tasks.TABLE}
SEQUENCES = [row.env_id for row in tasks.TABLE if isinstance(row.make(), tasks.SequenceTask)]


@pytest.mark.parametrize("env_id", IDS)
def test_the_checker_of_gymnasium_passes(env_id):
    # The render modes need the environment's spec, which only `gym.make` gives.
    env = gym.make(env_id).unwrapped
    env.action_space.seed(0)
    check_env(env, skip_render_check=True)


def test_the_checker_of_gymnasium_passes_with_probabilities():
    env = gym.make("ntm_envs/Copy-v0", actions="probabilities").unwrapped
    env.action_space.seed(0)
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
def test_gymnasium_can_render(render_mode):
    env = gym.make("ntm_envs/Copy-v0", render_mode=render_mode).unwrapped
    env.reset(seed=0)
    frame = env.render()
    assert isinstance(frame, str) if render_mode == "ansi" else frame.dtype == np.uint8


@pytest.mark.parametrize("env_id", IDS)
def test_the_checker_of_stable_baselines3_passes(env_id):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    env = gym.make(env_id).unwrapped
    env.action_space.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checker.check_env(env, warn=True)


@pytest.mark.parametrize("actions", ["answers", "probabilities"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("env_id", IDS)
def test_rows_behave_as_single_environments_do(env_id, mode, actions):
    arguments = {"actions": actions, "reveal_target": env_id in SEQUENCES, **SMALL[env_id]}
    ours = gym.make_vec(env_id, num_envs=3, autoreset_mode=mode.value, **arguments)
    theirs = gym.make_vec(
        env_id,
        num_envs=3,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode.value},
        **arguments,
    )
    assert ours.metadata["autoreset_mode"] is mode
    equal(ours.reset(seed=7), theirs.reset(seed=7))
    ours.action_space.seed(1)
    guess = tasks.spec(env_id).make().answers.uniform_probabilities
    for _ in range(60):
        action = ours.action_space.sample()
        if actions == "probabilities":  # which must sum to 1 for each symbol
            action = np.where(action > 0.5, 0.9, 0.1) if len(guess) == 8 else np.tile(guess, (3, 1))
        mine, other = ours.step(action), theirs.step(action)
        for a, b in zip(mine, other, strict=True):
            equal(a, b)
        over = mine[2]
        if mode is AutoresetMode.DISABLED and over.any():
            options = {"reset_mask": over}
            equal(ours.reset(options=dict(options)), theirs.reset(options=dict(options)))
    equal(ours.reset(), theirs.reset())  # in the middle of episodes


def test_a_row_does_not_depend_on_how_many_there_are():
    few, many = (SequenceVectorEnv("copy", n, length=(1, 5)) for n in (3, 200))
    one, two = few.reset(seed=0)[0], many.reset(seed=0)[0]
    for _ in range(100):
        np.testing.assert_array_equal(one, two[:3])
        one = few.step(np.zeros((3, 8), np.int8))[0]
        two = many.step(np.zeros((200, 8), np.int8))[0]


@pytest.mark.parametrize("env_id", SEQUENCES)
def test_environment_vector_environment_and_batch_are_the_same_for_the_same_keys(env_id):
    spec, sizes = tasks.spec(env_id), SMALL[env_id]
    keys = np.array([5, 2**62, 17])
    batch = spec.make().episodes(keys, **sizes)
    single = gym.make(env_id, reveal_target=True, **sizes)
    for b, key in enumerate(keys):
        chosen = {name: int(size[b]) for name, size in batch.sizes.items()}
        observation, info = single.reset(options={"key": int(key)})
        assert {name: info[name] for name in chosen} == chosen
        assert info["episode_key"] == key
        for t in range(int(batch.steps[b])):
            np.testing.assert_array_equal(observation, batch.inputs[t, b])
            np.testing.assert_array_equal(info["target"], batch.targets[t, b])
            assert info["mask"] == batch.mask[t, b]
            observation, _, over, truncated, info = single.step(batch.targets[t, b])
        assert over
        assert not truncated
        assert not observation.any()
        assert info["wrong_symbols"] == 0
    vector = gym.make_vec(env_id, num_envs=3, autoreset_mode="Disabled", **sizes)
    observations, info = vector.reset(options={"key": keys, **batch.sizes})
    for t in range(int(batch.steps.min())):
        np.testing.assert_array_equal(observations, batch.inputs[t])
        observations, *_ = vector.step(batch.targets[t])


@pytest.mark.parametrize("make", [SequenceEnv, lambda *a, **k: SequenceVectorEnv(*a, num_envs=1, **k)])
def test_returns_and_totals_are_correct(make):
    for wrong in (False, True):
        env = make("copy", length=5, actions="probabilities", reveal_target=True)
        _, info = env.reset(seed=0)
        total, over = 0.0, False
        while not over:
            target = np.asarray(info["target"], np.float32)
            _, reward, over, _, info = env.step(np.where(target == 1, 0.9, 0.1) if not wrong else 1 - target)
            total += float(np.asarray(reward).sum())
        assert total == pytest.approx(-1 if wrong else 1, abs=1e-9)
        assert np.asarray(info["wrong_symbols"]).sum() == (40 if wrong else 0)
        cost = 20 if wrong else -np.log2(0.9)
        assert np.asarray(info["cost_in_bits"]).sum() == pytest.approx(40 * cost, rel=1e-6)


def test_options_may_exceed_the_sizes_of_the_environment():
    env = SequenceVectorEnv("copy", 3, length=(1, 4), reveal_target=True, autoreset_mode="Disabled")
    env.reset(seed=0)
    before = [env.step(np.zeros((3, 8), np.int8)) for _ in range(2)]
    mask = np.array([False, True, False])
    again = SequenceVectorEnv("copy", 3, length=(1, 4), reveal_target=True, autoreset_mode="Disabled")
    again.reset(seed=0)
    for step in before:
        for a, b in zip(step, again.step(np.zeros((3, 8), np.int8)), strict=True):
            equal(a, b)
    observations, info = env.reset(options={"length": 30, "key": 9, "reset_mask": mask})
    assert info["length"].tolist() == [0, 30, 0]
    assert info["_length"].tolist() == mask.tolist()
    batch = Copy().episodes([9], length=30)
    np.testing.assert_array_equal(observations[1], batch.inputs[0, 0])
    np.testing.assert_array_equal(observations[[0, 2]], before[-1][0][[0, 2]])


def test_seeds_repeat_episodes_and_training_ranges_are_the_defaults():
    env = gym.make("ntm_envs/Copy-v0")
    lengths = [env.reset(seed=i)[1]["length"] for i in range(300)]
    assert min(lengths) == 1
    assert max(lengths) == 20
    assert env.reset(seed=5)[1] == env.reset(seed=5)[1]
    assert gym.make("ntm_envs/Copy-v0", length=40).reset(seed=0)[1]["length"] == 40
    vector = gym.make_vec("ntm_envs/Copy-v0", num_envs=2)
    _, info = vector.reset(seed=[5, 9])
    expected = [env.reset(seed=s)[1]["episode_key"] for s in (5, 9)]
    assert info["episode_key"].tolist() == expected


@pytest.mark.parametrize("env_id", IDS)
def test_a_spec_survives_json(env_id):
    arguments = {name: list(size) for name, size in SMALL[env_id].items()}
    spec = gym.make(env_id, **arguments).spec
    again = gym.make(gym.envs.registration.EnvSpec.from_json(spec.to_json()))
    assert again.reset(seed=4)[1] == gym.make(env_id, **arguments).reset(seed=4)[1]


def test_returned_arrays_are_never_modified_later():
    env = SequenceVectorEnv("copy", 4, length=(1, 3), reveal_target=True)
    returned = [env.reset(seed=0)]
    copies = [[np.array(returned[0][0])]]
    for _ in range(30):
        step = env.step(np.zeros((4, 8), np.int8))
        returned.append(step)
        copies.append([np.array(part) for part in step[:4]])
    for step, copied in zip(returned, copies, strict=True):
        for a, b in zip(step[: len(copied)], copied, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, np.float64, np.bool_])
def test_bits_of_any_real_type_are_accepted(dtype):
    env, vector = SequenceEnv("copy"), SequenceVectorEnv("copy", 2)
    env.reset(seed=0), vector.reset(seed=0)
    env.step(np.ones(8, dtype))
    vector.step(np.ones((2, 8), dtype))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("rows", [None, 3])
@pytest.mark.parametrize("env_id", IDS)
def test_an_environment_can_be_copied_in_the_middle_of_an_episode(env_id, rows, copied):
    arguments = SMALL[env_id]
    env = gym.make_vec(env_id, rows, **arguments) if rows else gym.make(env_id, **arguments).unwrapped
    env.reset(seed=0)
    env.action_space.seed(0)
    env.step(env.action_space.sample() * 0)
    twin, other = copied(env), copied(env)
    env.close()  # closing one environment leaves the others open
    for _ in range(20):
        action = env.action_space.sample()
        mine, his = twin.step(action), other.step(action)
        equal(mine, his)
        if rows is None and mine[2]:
            equal(twin.reset(), other.reset())


@pytest.mark.parametrize("actions", ["answers", "probabilities"])
def test_actions_may_have_any_memory_layout(actions):
    env = gym.make_vec("ntm_envs/Copy-v0", num_envs=3, length=2, actions=actions)
    twin = gym.make_vec("ntm_envs/Copy-v0", num_envs=3, length=2, actions=actions)
    env.reset(seed=0), twin.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(5):
        action = env.action_space.sample()
        np.testing.assert_array_equal(env.step(action)[1], twin.step(np.asfortranarray(action))[1])


def test_random_agents_return_zero_on_average():
    env = gym.make_vec("ntm_envs/Copy-v0", num_envs=1000, length=10, autoreset_mode="Disabled")
    env.reset(seed=0)
    env.action_space.seed(0)
    total = sum(env.step(env.action_space.sample())[1] for _ in range(21))
    assert abs(total.mean()) < 4 / np.sqrt(1000 * 80)
