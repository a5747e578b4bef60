"""Arguments and options of environments, and calls in the wrong order."""

import re

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from ntm_envs import SequenceEnv, SequenceVectorEnv, capacity, tasks
from ntm_envs.tasks.classic.copy import Copy


def test_options_apply_to_one_episode_and_do_not_advance_the_stream():
    plain, optional = SequenceEnv("copy"), SequenceEnv("copy")
    first = plain.reset(seed=3)[1]
    assert optional.reset(seed=3)[1] == first
    assert optional.reset(options={"length": 7, "key": 123})[1] == {
        "episode_key": 123,
        "length": 7,
        "wrong_symbols": 0,
    }
    drawn = [optional.reset(options={"length": 7})[1] for _ in range(2)]
    assert drawn[0]["length"] == drawn[1]["length"] == 7
    assert drawn[0]["episode_key"] != drawn[1]["episode_key"]
    for _ in range(100):  # more episodes than are generated ahead of time
        assert optional.reset()[1] == plain.reset()[1]


def test_stepping_before_reset_or_after_the_end_is_refused():
    env = SequenceEnv("copy", length=1)
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(8))
    with pytest.raises(ResetNeeded):
        SequenceVectorEnv("copy", 2).step(np.zeros((2, 8)))
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.zeros(8))
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(8))
    env.reset()
    env.step(np.zeros(8))
    vector = SequenceVectorEnv("copy", 2, length=1, autoreset_mode="Disabled")
    vector.reset(seed=0)
    for _ in range(3):
        vector.step(np.zeros((2, 8)))
    with pytest.raises(ResetNeeded, match="row 0"):
        vector.step(np.zeros((2, 8)))
    vector.reset()
    vector.step(np.zeros((2, 8)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 0}, "length=0 is out of range"),
        ({"lenght": 3}, "unexpected keyword argument 'lenght'"),
        ({"actions": "logits"}, "actions is 'logits'"),
        ({"render_mode": "gif"}, "render_mode is 'gif'"),
        ({"bits": 0}, "bits is 0"),
        ({"reveal_target": "no"}, "reveal_target is 'no'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SequenceEnv("copy", **arguments)
    with pytest.raises((TypeError, ValueError)):
        SequenceVectorEnv("copy", 2, **arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": -1}, "-1 is out of range"),
        ({"key": [1, 2]}, "2 keys|shape"),
        ({"length": 0}, "length=0"),
        ({"lenght": 3}, "no size 'lenght'"),
    ],
)
def test_bad_options_are_refused_and_leave_the_environment_usable(options, message):
    for env in (SequenceEnv("copy", length=2), SequenceVectorEnv("copy", 1, length=2)):
        env.reset(seed=0)
        with pytest.raises((TypeError, ValueError), match=message):
            env.reset(options=options)
        env.step(np.zeros(env.action_space.shape))
        env.reset()


@pytest.mark.parametrize("value", [0, 2.5, None, ["copy"], b"copy", tasks.spec("copy")], ids=repr)
def test_objects_that_are_no_tasks_are_refused_by_name(value):
    for call in (tasks.spec, tasks.get, SequenceEnv):
        with pytest.raises(TypeError, match=re.escape(repr(value))):
            call(value)
    with pytest.raises(ValueError, match="unknown suite"):
        tasks.suite(value)


def test_capacities_are_of_whole_steps():
    assert capacity(np.int64(41)) == 64
    for steps in (1.5, "3", None):
        with pytest.raises(TypeError):
            capacity(steps)


def test_a_task_object_needs_its_sizes():
    with pytest.raises(TypeError, match="needs the size 'length'"):
        SequenceEnv(Copy())
    assert SequenceEnv(Copy(bits=2), length=3).reset(seed=0)[0].shape == (3,)
