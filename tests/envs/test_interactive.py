"""Environments of interactive tasks: keys, streams, options, autoreset modes and growing states."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import SequenceEnv, SequenceVectorEnv, tasks
from ntm_envs.tasks.state_machine import assign

NAMES = ["tape_copy", "tape_reverse"]
WAIT = (1, 0, 0)  # moves to the right and writes nothing


def guided(task, rows, random, wrong=0.1):
    """Return a policy that follows the oracle, except for a fraction of random answers."""
    oracle = task.oracle()
    oracle.begin(rows, 64, 0)

    def act(observations):
        best, other = oracle.act(observations), task.answers.uniform(random, rows)
        return np.where(random.random((rows, 1)) < wrong, other, best)

    return act


def play_alone(name, key, length, actions):
    """Return the steps of one episode in a single environment with given actions."""
    env = SequenceEnv(name, length=(1, 9))
    observation, info = env.reset(seed=5, options={"key": key, "length": length})
    assert info == {"episode_key": key, "length": length, "wrong_symbols": length}
    steps = [(observation, 0.0, False)]
    for action in actions:
        observation, reward, over, truncated, info = env.step(action)
        assert not truncated
        steps.append((observation, reward, over))
        if over:
            steps.append(info)
            break
    return steps


@given(st.data())
def test_an_episode_depends_on_its_key_alone(data):
    """Neither earlier episodes of its row nor the other rows affect an episode."""
    name = data.draw(st.sampled_from(NAMES))
    key, length = data.draw(st.integers(0, 2**63 - 1)), data.draw(st.integers(1, 14))
    seed, before = data.draw(st.integers(0, 99)), data.draw(st.integers(0, 25))
    task, random = tasks.get(name), np.random.default_rng(seed)
    env = SequenceVectorEnv(name, 4, length=(1, 9), autoreset_mode="SameStep")
    observations, _ = env.reset(seed=seed)
    act = guided(task, 4, random)
    for _ in range(before):
        observations = env.step(act(observations))[0]
    row = data.draw(st.integers(0, 3))
    mask = np.arange(4) == row
    observations, info = env.reset(options={"key": key, "length": length, "reset_mask": mask})
    assert info["episode_key"][row] == key
    assert info["length"][row] == length
    own = guided(task, 1, np.random.default_rng(seed), wrong=0.05)
    steps, actions, over = [(observations[row], 0.0, False)], [], False
    while not over:
        chosen = act(observations)
        chosen[row] = own(observations[row : row + 1])[0]
        actions.append(chosen[row])
        observations, rewards, ends, _, info = env.step(chosen)
        over = bool(ends[row])
        observation = info["final_obs"][row] if over else observations[row]
        steps.append((observation, float(rewards[row]), over))
    final = info["final_info"]
    steps.append({name: int(final[name][row]) for name in ("episode_key", "length", "wrong_symbols")})
    alone = play_alone(name, key, length, actions)
    assert len(alone) == len(steps)
    assert alone[-1] == steps[-1]
    for mine, other in zip(steps[:-1], alone[:-1], strict=True):
        np.testing.assert_array_equal(mine[0], other[0])
        assert mine[1:] == other[1:]


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_single_environments_in_every_autoreset_mode(name, mode):
    rows, random = 4, np.random.default_rng(0)
    many = SequenceVectorEnv(name, rows, length=(1, 4), autoreset_mode=mode.value)
    single = [SequenceEnv(name, length=(1, 4)) for _ in range(rows)]
    observations, infos = many.reset(seed=3)
    act, ended = guided(many.task, rows, random), np.zeros(rows, np.bool_)
    for row, env in enumerate(single):
        observation, info = env.reset(seed=3 + row)
        np.testing.assert_array_equal(observation, observations[row])
        assert info == {key: infos[key][row] for key in info}
    for _ in range(80):
        actions = act(observations)
        if mode is AutoresetMode.NEXT_STEP:
            actions[ended] = 9  # an invalid action, which is ignored
        observations, rewards, over, truncated, infos = many.step(actions)
        assert not truncated.any()
        for row, env in enumerate(single):
            if ended[row]:
                observation, info = env.reset()
                reward, end = 0.0, False
            else:
                observation, reward, end, _, info = env.step(actions[row])
            assert (reward, end) == (rewards[row], over[row])
            there = infos
            if end and mode is AutoresetMode.SAME_STEP:
                there = infos["final_info"]
                np.testing.assert_array_equal(observation, infos["final_obs"][row])
                assert info == {key: there[key][row] for key in info}
                observation, info = env.reset()
                there = infos
            np.testing.assert_array_equal(observation, observations[row])
            assert all(there[f"_{key}"][row] for key in info)
            assert info == {key: there[key][row] for key in info}
        if mode is AutoresetMode.NEXT_STEP:
            ended = over
        elif mode is AutoresetMode.DISABLED and over.any():
            before = observations
            observations, infos = many.reset(options={"reset_mask": over})
            np.testing.assert_array_equal(observations[~over], before[~over])
            np.testing.assert_array_equal(infos["_episode_key"], over)
            for row in np.flatnonzero(over):
                observation, info = single[row].reset()
                np.testing.assert_array_equal(observation, observations[row])
                assert info == {key: infos[key][row] for key in info}


@pytest.mark.parametrize("name", NAMES)
def test_options_apply_to_one_episode_and_do_not_advance_the_stream(name):
    plain, optional = SequenceEnv(name), SequenceEnv(name)
    assert optional.reset(seed=3)[1] == plain.reset(seed=3)[1]
    info = {"episode_key": 123, "length": 37, "wrong_symbols": 37}
    assert optional.reset(options={"length": 37, "key": 123})[1] == info
    one, two = (optional.reset(options={"length": 7})[1] for _ in range(2))
    assert one["length"] == two["length"] == 7
    assert one["episode_key"] != two["episode_key"]
    for _ in range(20):
        assert optional.reset()[1] == plain.reset()[1]


@pytest.mark.parametrize("name", NAMES)
def test_options_of_some_rows_do_not_advance_any_stream(name):
    plain, optional = SequenceVectorEnv(name, 3), SequenceVectorEnv(name, 3)
    np.testing.assert_equal(optional.reset(seed=3), plain.reset(seed=3))
    mask, keys = np.array([True, False, True]), []
    for options in (
        {"length": 37, "key": np.array([1, 2, 3])},
        {"length": np.array([7, 8, 9])},
        {"length": 7},
    ):
        _, info = optional.reset(options={**options, "reset_mask": mask})
        assert info["_episode_key"].tolist() == mask.tolist()
        np.testing.assert_array_equal(info["length"], np.where(mask, options["length"], 0))
        keys.append(info["episode_key"].tolist())
    assert keys[0] == [1, 0, 3]
    assert len({*keys[1][::2], *keys[2][::2]}) == 4
    for _ in range(20):
        np.testing.assert_equal(optional.reset(), plain.reset())


@pytest.mark.parametrize("name", ["tape_copy", "parity"])
def test_options_request_the_same_episodes_in_single_and_vector_environments(name):
    one, many = SequenceEnv(name), SequenceVectorEnv(name, 1)
    one.reset(seed=3), many.reset(seed=3)
    for options in ({"length": 3}, {"key": 5}, {"length": 4}, {"length": 4}):
        mine, other = (env.reset(options=dict(options))[1] for env in (one, many))
        assert mine == {key: other[key][0] for key in mine}


@pytest.mark.parametrize("name", NAMES)
def test_longer_episodes_enlarge_the_states_and_leave_other_rows_unchanged(name):
    env, twin = (SequenceVectorEnv(name, 3, length=3, autoreset_mode="Disabled") for _ in range(2))
    observations, _ = env.reset(seed=0)
    twin.reset(seed=0)
    wait = np.tile(np.array(WAIT), (3, 1))
    mask = np.array([False, True, False])
    env.step(wait), twin.step(wait)
    observations, info = env.reset(options={"length": 30, "key": 9, "reset_mask": mask})
    assert info["length"].tolist() == [0, 30, 0]
    state = env.task.begin(np.array([9]), {"length": np.array([30])})
    tape = state["tape"][0]
    for step in range(9):
        assert observations[1].argmax() == tape[step]
        observations, rewards, over, *_ = env.step(wait)
        others, other_rewards, other_over, *_ = twin.step(wait)
        np.testing.assert_array_equal(observations[~mask], others[~mask])
        np.testing.assert_array_equal(rewards[~mask], other_rewards[~mask])
        np.testing.assert_array_equal(over[~mask], other_over[~mask])
        if over.any():
            break
    assert over.tolist() == [True, False, True]


def test_assign_enlarges_arrays_for_larger_states_and_clears_old_values():
    state = {"a": np.arange(1, 7).reshape(3, 2), "b": np.array([1, 2, 3]), "c": np.ones((3, 2, 2), np.int8)}
    new = {"a": np.array([[7, 8, 9]]), "b": np.array([4]), "c": np.full((1, 3, 1), 5, np.int8)}
    assign(state, np.array([1]), new)
    assert state["a"].tolist() == [[1, 2, 0], [7, 8, 9], [5, 6, 0]]
    assert state["b"].tolist() == [1, 4, 3]
    assert state["c"].dtype == np.int8
    assert state["c"][1].tolist() == [[5, 0], [5, 0], [5, 0]]
    assert state["c"][0].tolist() == [[1, 1], [1, 1], [0, 0]]
    assign(state, np.array([2, 1]), {"a": np.array([[1], [2]]), "b": np.array([8, 9])})
    assert state["a"].tolist() == [[1, 2, 0], [2, 0, 0], [1, 0, 0]]
    assert state["b"].tolist() == [1, 9, 8]
    assert new["a"].tolist() == [[7, 8, 9]]


def test_targets_cannot_be_revealed():
    for make in (SequenceEnv, SequenceVectorEnv):
        with pytest.raises(ValueError, match="TapeCopy is interactive and has no targets"):
            make("tape_copy", reveal_target=True)
