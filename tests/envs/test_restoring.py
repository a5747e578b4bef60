"""A vector environment can continue where another was, with the same episodes in flight."""

import gymnasium as gym
import numpy as np
import pytest
from equality import equal
from gymnasium.error import ResetNeeded

from ntm_envs import tasks
from ntm_envs.vector_env import SequenceVectorEnv

COUNT = 5


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("row", tasks.TABLE, ids=lambda row: row.name)
def test_equal_actions_have_equal_results_from_there_on(row, mode):
    answers = row.make().answers
    sizes = row.small or row.training
    first, second = (
        gym.make_vec(row.env_id, num_envs=COUNT, autoreset_mode=mode, **sizes).unwrapped for _ in range(2)
    )
    first.reset(seed=3)
    rng, ended = np.random.default_rng(0), 0
    for begin in range(4):
        for _ in range(7 + begin):
            first.step(answers.uniform(rng, COUNT).reshape(first.action_space.shape))
        state = first.state()
        observations, info = second.restore(state)
        np.testing.assert_array_equal(observations, first._store.observations())
        assert info["episode_key"].tolist() == state["episode_key"].tolist()
        for _ in range(25):
            actions = answers.uniform(rng, COUNT).reshape(first.action_space.shape)
            found = first.step(actions)
            equal(found, second.step(actions))
            ended += found[2].sum()
    assert ended >= COUNT


def test_an_episode_with_options_continues_too():
    first, second = (SequenceVectorEnv("copy", 3, length=(1, 4)) for _ in range(2))
    first.reset(seed=1)
    mask = np.array([True, False, True])
    first.reset(options={"length": 9, "reset_mask": mask})  # longer than the environment's own
    for _ in range(4):
        first.step(np.ones((3, 8), np.int8))
    second.restore(first.state())
    for _ in range(40):
        actions = np.zeros((3, 8), np.int8)
        equal(first.step(actions), second.step(actions))
    equal(first.reset(options={"length": 2}), second.reset(options={"length": 2}))  # fresh keys of options


def test_costs_continue_too():
    first, second = (SequenceVectorEnv("copy", 2, length=3, actions="probabilities") for _ in range(2))
    first.reset(seed=1)
    guesses = np.full((2, 8), 0.4, np.float32)
    for _ in range(5):
        first.step(guesses)
    second.restore(first.state())
    costs = []
    for _ in range(4):
        found, other = first.step(guesses), second.step(guesses)
        equal(found, other)
        costs += [info["cost_in_bits"].tolist() for info in (found[4], other[4]) if "cost_in_bits" in info]
    assert costs[0] == costs[1]
    assert min(costs[0]) > 0


def test_there_is_no_state_before_the_first_reset():
    with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
        SequenceVectorEnv("copy", 2, length=3).state()


def damaged(state, name):
    """Yield copies of a state whose part of this name is wrong in one way each."""
    values = state[name]
    yield {other: part for other, part in state.items() if other != name}
    yield {**state, name: values.tolist()}
    yield {**state, name: values.astype(np.complex128)}
    yield {**state, name: values[:-1]}
    yield {**state, name: values[None]}
    extremes = {"b": [], "f": [-1.0, np.nan], "i": [-(2**63), 2**63 - 1], "u": [255]}[values.dtype.kind]
    if name in ("stream", "episode_key"):  # any positive number is possible
        del extremes[1]
    for value in extremes:
        wrong = values.copy()
        wrong[-1] = value
        yield {**state, name: wrong}


@pytest.mark.parametrize("name", ["copy", "parity", "tape_copy", "tape_reverse"])
def test_every_part_of_a_state_is_checked_before_anything_changes(name):
    env = SequenceVectorEnv(name, 3, length=4, max_episode_steps=9)
    env.reset(seed=0)
    for _ in range(2):
        env.step(np.zeros_like(env.action_space.sample()))
    state, other = env.state(), SequenceVectorEnv(name, 3, length=4, max_episode_steps=9)
    other.reset(seed=1)
    before = other.state()
    for part in state:
        for wrong in damaged(state, part):
            with pytest.raises(ValueError, match=f"{part.removeprefix('task.')}|the key"):
                other.restore(wrong)
            equal(other.state(), before)
    other.restore(state)
    equal(other.state(), state)


def test_states_of_other_environments_are_refused():
    env = SequenceVectorEnv("copy", 2, length=3)
    env.reset(seed=0)
    while not (state := env.state())["ended"].any():
        env.step(np.zeros((2, 8), np.int8))
    for other, message in [
        (SequenceVectorEnv("copy", 3, length=3), r"\(2,\); expected \(3,\), one row for each environment"),
        (SequenceVectorEnv("repeat_copy", 2), "lacks 'repeats'; expected what state"),
        (SequenceVectorEnv("tape_copy", 2), "the state .* expected what state"),
        (SequenceVectorEnv("copy", 2, max_episode_steps=9), "lacks 'elapsed'"),
        (SequenceVectorEnv("copy", 2, autoreset_mode="SameStep"), "'ended' of the state is True in row 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            other.restore(state)
    for nothing in (None, [], {}, {1: 2}):
        with pytest.raises(ValueError, match=r"the state .*expected what state\(\)"):
            env.restore(nothing)
    with pytest.raises(ValueError, match="unknown part 'other'"):
        env.restore({**state, "other": state["step"]})
    with pytest.raises(ValueError, match="'step' of the state is 7 in row 0; expected a value from 0 to 6"):
        env.restore({**state, "ended": ~state["ended"]})
    with pytest.raises(ValueError, match=r"need .* GiB of memory"):
        env.restore({**state, "length": np.full(2, 2**31 - 1)})
