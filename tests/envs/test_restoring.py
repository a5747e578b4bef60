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


def test_states_that_cannot_be_restored_are_refused():
    env = SequenceVectorEnv("copy", 2, length=3)
    with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
        env.state()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="the state is of 2 rows; expected 3"):
        SequenceVectorEnv("copy", 3, length=3).restore(env.state())
    state = env.state()
    del state["step"]
    with pytest.raises(KeyError, match="step"):
        SequenceVectorEnv("copy", 2, length=3).restore(state)
