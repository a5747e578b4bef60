"""Forms of actions: MultiDiscrete and Discrete spaces for software that lacks MultiBinary."""

import itertools
import math
import re

import gymnasium as gym
import numpy as np
import pytest
from equality import equal
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from ntm_envs import SequenceEnv, SequenceVectorEnv, tasks
from ntm_envs.answers import Bits, NumberedAnswers, Symbols

IDS = [row.env_id for row in tasks.TABLE]
# Small enough for all answers to be numbered.
ARGUMENTS = {row.env_id: {"bits": 3} if hasattr(row.make(), "bits") else {} for row in tasks.TABLE}
FORMS = [
    (env_id, actions)
    for env_id in IDS
    for actions in ("multidiscrete", "discrete")
    if actions == "multidiscrete" or math.prod(tasks.get(env_id, **ARGUMENTS[env_id]).answers.sizes) <= 1024
]


@pytest.mark.parametrize("answers", [Bits(1), Bits(3), Symbols((5,)), Symbols((2, 3, 4))], ids=repr)
def test_answers_are_numbered_in_lexicographic_order(answers):
    every = list(itertools.product(*(range(size) for size in answers.sizes)))
    assert answers.space("discrete") == spaces.Discrete(len(every))
    assert answers.space("multidiscrete") == spaces.MultiDiscrete(answers.sizes)
    numbered = NumberedAnswers(answers)
    assert [tuple(numbered.answer(number)) for number in range(len(every))] == every
    batch = numbered.answer(np.arange(len(every), dtype=np.float32), (len(every),))
    assert batch.dtype == answers.dtype
    np.testing.assert_array_equal(batch, every)


@pytest.mark.parametrize(("env_id", "actions"), FORMS)
def test_episodes_are_those_of_answers(env_id, actions):
    arguments = {**ARGUMENTS[env_id], "render_mode": "ansi"}
    plain, env = gym.make(env_id, **arguments), gym.make(env_id, actions=actions, **arguments)
    numbered = NumberedAnswers(env.unwrapped.task.answers) if actions == "discrete" else None
    env.action_space.seed(0)
    for _ in range(3):
        equal(plain.reset(seed=1), env.reset(seed=1))
        over = False
        while not over:
            action = env.action_space.sample()
            answer = action if numbered is None else numbered.answer(action)
            if isinstance(plain.action_space, spaces.Discrete):
                answer = int(np.reshape(answer, ()))
            mine, other = env.step(action), plain.step(answer)
            equal(mine, other)
            assert env.render() == plain.render()
            over = mine[2]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize(("env_id", "actions"), FORMS)
def test_rows_behave_as_single_environments_do(env_id, actions, mode):
    arguments = {**ARGUMENTS[env_id], "actions": actions, **(tasks.spec(env_id).small or {})}
    ours = gym.make_vec(env_id, num_envs=3, autoreset_mode=mode, **arguments)
    theirs = gym.make_vec(
        env_id, 3, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}, **arguments
    )
    assert (ours.action_space, ours.single_action_space) == (theirs.action_space, theirs.single_action_space)
    equal(ours.reset(seed=7), theirs.reset(seed=7))
    ours.action_space.seed(1)
    for _ in range(30):
        action = ours.action_space.sample()
        equal(ours.step(action), theirs.step(action))


@pytest.mark.parametrize(("env_id", "actions"), FORMS)
def test_the_checkers_pass_without_a_warning(env_id, actions, recwarn):
    env = gym.make(env_id, actions=actions, **ARGUMENTS[env_id]).unwrapped
    env.action_space.seed(0)
    check_env(env, skip_render_check=True)
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(env, warn=True)
    assert not recwarn.list


BAD = [
    ("multidiscrete", [0, 2, 0], "has 2; expected 0 or 1"),
    ("multidiscrete", [0, 1], "shape (2,); expected (3,)"),
    ("discrete", 8, "has 8; expected an integer from 0 to 7"),
    ("discrete", -1, "has -1; expected an integer from 0 to 7"),
    ("discrete", 1.5, "has 1.5; expected an integer from 0 to 7"),
    ("discrete", float("nan"), "has nan; expected an integer from 0 to 7"),
    ("discrete", [1], "shape (1,); expected ()"),
    ("discrete", "1", "type <U1; expected real numbers"),
]


@pytest.mark.parametrize(("actions", "bad", "message"), BAD)
def test_other_actions_are_refused_and_episodes_continue(actions, bad, message):
    env, twin = (SequenceEnv("copy", bits=3, length=2, actions=actions) for _ in range(2))
    many = SequenceVectorEnv("copy", 2, bits=3, length=2, actions=actions)
    env.reset(seed=0), twin.reset(seed=0), many.reset(seed=0)
    many.action_space.seed(0)
    for _ in range(5):
        with pytest.raises(ValueError, match=re.escape(message)):
            env.step(bad)
        with pytest.raises(ValueError, match=r"action has|action is"):
            many.step(np.array([bad, bad]))
        action = many.action_space.sample()
        many.step(action)
        equal(env.step(action[0]), twin.step(action[0]))


def test_too_many_answers_cannot_be_numbered():
    for make in (SequenceEnv, SequenceVectorEnv):
        assert make("copy", bits=10, actions="discrete")
        for bits in (11, 2**16):
            with pytest.raises(ValueError, match=rf"Bits\({bits}\) has more than 1024 different answers"):
                make("copy", bits=bits, actions="discrete")


def test_a_learner_that_takes_discrete_actions_alone_can_play():
    contrib = pytest.importorskip("sb3_contrib")
    env = gym.make("ntm_envs/Copy-v0", bits=2, length=1, actions="discrete")
    contrib.ARS("LinearPolicy", env, n_delta=2, seed=0).learn(60)
