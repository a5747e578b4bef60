"""The information of `reset` and `step`: the same names, types and shapes throughout, as Minari needs."""

import gymnasium as gym
import numpy as np
import pytest

from ntm_envs import tasks

ROWS = [(row, reveal) for row in tasks.TABLE for reveal in (False, True)]
ROWS = [(row, reveal) for row, reveal in ROWS if not reveal or isinstance(row.make(), tasks.SequenceTask)]


def form(info):
    """Return the type, dtype and shape of each entry."""
    return {name: (type(value), np.asarray(value).dtype, np.shape(value)) for name, value in info.items()}


@pytest.mark.parametrize("actions", ["answers", "probabilities"])
@pytest.mark.parametrize(("row", "reveal"), ROWS, ids=str)
def test_its_form_never_changes(row, reveal, actions):
    arguments = {"actions": actions, "reveal_target": reveal, **(row.small or row.training)}
    answers = row.make().answers
    names = {"episode_key", *row.training, "wrong_symbols"} | ({"target", "mask"} if reveal else set())
    if actions == "probabilities" and isinstance(row.make(), tasks.SequenceTask):
        names |= {"cost_in_bits"}

    def action(env, shape=()):
        if actions == "answers":
            return env.action_space.sample()
        return np.broadcast_to(answers.uniform_probabilities, (*shape, answers.logits))

    single, many = gym.make(row.env_id, **arguments), gym.make_vec(row.env_id, 3, **arguments)
    _, info = single.reset(seed=0)
    first, over = form(info), False
    assert set(first) == names
    for _ in range(20):
        *_, over, _, info = single.step(action(single))
        assert form(info) == first
        if over:
            assert form(single.reset()[1]) == first
    _, info = many.reset(seed=0)
    first = form(info)
    assert set(first) == names | {f"_{name}" for name in names}
    for _ in range(20):
        *_, info = many.step(action(many, (3,)))
        assert form(info) == first
        assert all(info[f"_{name}"].all() for name in names)


@pytest.mark.parametrize("env_id", ["ntm_envs/Copy-v0", "ntm_envs/Parity-v0"])
def test_errors_are_those_so_far(env_id):
    env = gym.make(env_id, length=4, actions="probabilities", reveal_target=True)
    answers = env.unwrapped.task.answers
    _, info = env.reset(seed=0)
    wrong, cost, over = 0, 0.0, False
    while not over:
        assert (info["wrong_symbols"], info["cost_in_bits"]) == (wrong, pytest.approx(cost))
        target, scored = info["target"], info["mask"]
        *_, over, _, info = env.step(answers.uniform_probabilities)
        wrong += scored * int((answers.decode(answers.uniform_probabilities) != target).sum())
        cost += scored * answers.uniform_cost
    assert (info["wrong_symbols"], info["cost_in_bits"]) == (wrong, pytest.approx(cost))
    assert cost > 0


def test_symbols_of_a_tape_are_missing_until_they_are_written():
    env = gym.make("ntm_envs/TapeCopy-v0", length=3)
    observation, info = env.reset(seed=0)
    missing = [info["wrong_symbols"]]
    for _ in range(3):
        observation, *_, info = env.step([1, 1, int(observation.argmax())])
        missing.append(info["wrong_symbols"])
    assert missing == [3, 2, 1, 0]
