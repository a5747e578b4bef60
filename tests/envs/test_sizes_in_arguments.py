"""Sizes, keys and seeds in arguments and options: one rule for all forms; refusals change nothing."""

import re
from dataclasses import fields

import gymnasium as gym
import numpy as np
import pytest

from ntm_envs import SequenceEnv, SequenceVectorEnv, tasks

COPY = "ntm_envs/Copy-v0"


def lengths(env, count=200):
    """Return the lengths of the first episodes."""
    env.reset(seed=0)
    return [int(n) for _ in range(count) for n in np.atleast_1d(env.reset()[1]["length"])]


@pytest.mark.parametrize("size", [(3, 5), [3, 5], (np.int64(3), 5), [3, np.int8(5)]], ids=repr)
def test_two_integers_are_a_range_in_make_and_in_make_vec(size):
    expected = lengths(gym.make(COPY, length=(3, 5)))
    assert set(expected) == {3, 4, 5}
    assert lengths(gym.make(COPY, length=size)) == expected
    for rows in (1, 2, 3):
        assert set(lengths(gym.make_vec(COPY, rows, length=size))) == {3, 4, 5}


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_lists_and_arrays_in_options_hold_one_value_per_row_and_tuples_are_ranges(rows):
    env = SequenceVectorEnv("copy", rows)
    each, keys = [3, 15, 7][:rows], [5, 9, 1][:rows]
    for form in (list, np.array, lambda values: np.array(values, np.uint8)):
        info = env.reset(seed=0, options={"key": form(keys), "length": form(each)})[1]
        assert info["length"].tolist() == each
        assert info["episode_key"].tolist() == keys
    mask = np.arange(rows) == rows - 1
    info = env.reset(options={"key": keys, "length": each, "reset_mask": mask})[1]
    assert info["length"][-1] == each[-1]
    assert info["episode_key"][-1] == keys[-1]
    drawn = [env.reset(options={"length": (3, 15)})[1]["length"] for _ in range(50)]
    assert set(np.concatenate(drawn)) >= set(range(4, 15))


def test_the_single_environment_is_one_row():
    env = SequenceEnv("copy")
    info = env.reset(seed=0, options={"key": [5], "length": np.array([7])})[1]
    assert (info["episode_key"], info["length"]) == (5, 7)
    drawn = {env.reset(options={"length": (3, 5)})[1]["length"] for _ in range(50)}
    assert drawn == {3, 4, 5}


SIZES = [
    (0, "length=0 is out of range"),
    (-1, "length=-1 is out of range"),
    (2**63, f"length={2**63} is out of range"),
    (10**9, "GiB of memory; expected at most 16"),
    ((1, 2**31), "GiB of memory; expected at most 16"),
    ((5, 3), "the range length=(5, 3) is empty"),
    ((3, 5, 7), "length=(3, 5, 7) is not a range"),
    (True, "length=True is not an integer"),
    ((True, 5), "length=(True, 5) is not an integer"),
    (3.0, "length=3.0 is not an integer"),
    ("3", "length='3' is not an integer"),
    (None, "length=None is not an integer"),
    (range(3, 5), "length=range(3, 5) is not an integer"),
]
ARGUMENTS = [
    *SIZES,
    ([3], "length=[3] is not a range"),
    (np.array([3, 5]), "length is the array array([3, 5]); expected an integer or a range"),
    (np.array([3]), "length is the array"),
]


@pytest.mark.parametrize(("size", "message"), ARGUMENTS, ids=str)
def test_other_sizes_are_refused_when_an_environment_is_made(size, message):
    for make in (lambda: SequenceEnv("copy", length=size), lambda: SequenceVectorEnv("copy", 2, length=size)):
        with pytest.raises((TypeError, ValueError), match=re.escape(message)):
            make()


OPTIONS = [
    *({"length": size} for size, _ in SIZES),
    {"length": []},
    {"length": [3, 5, 7]},
    {"length": [True, 5]},
    {"length": [[3], [5]]},
    {"length": [3, 2**63]},
    {"length": np.array([3.0, 5.0])},
    {"key": -1},
    {"key": 2**63},
    {"key": 1.0},
    {"key": True},
    {"key": [1, 2**63]},
    {"key": (1, 2, 3)},
    {"key": range(3)},
    {"lenght": 3},
    {"key": 3, "length": 0},
    {5: 3},
    5,
    [("key", 3)],
]


def states(env):
    """Return what the next episodes and steps depend on."""
    return env.np_random.bit_generator.state, [env.reset()[1] for _ in range(3)]


@pytest.mark.parametrize("name", ["copy", "tape_copy"])
@pytest.mark.parametrize("rows", [None, 2])
def test_a_refused_reset_changes_nothing(name, rows):
    """Not even if it has a seed too."""
    env, twin = (SequenceEnv(name) if rows is None else SequenceVectorEnv(name, rows) for _ in range(2))
    env.reset(seed=0), twin.reset(seed=0)
    wrong = [(0, options) for options in OPTIONS]
    wrong += [(seed, {"key": 3}) for seed in (-1, 1.5, "a", np.int64(3), [1, "a"], [1, -1])]
    for seed, options in wrong:
        given = dict(options) if isinstance(options, dict) else options
        with pytest.raises((TypeError, ValueError, gym.error.Error)):
            env.reset(seed=seed, options=options)
        np.testing.assert_equal(options, given)
    if rows:
        for mask in (np.zeros(rows, bool), np.ones(3, bool), [1, 0], True):
            with pytest.raises(ValueError, match="reset_mask is"):
                env.reset(seed=0, options={"key": 3, "reset_mask": mask})
    action = np.zeros(env.action_space.shape, np.int64)
    for _ in range(2):
        np.testing.assert_equal(env.step(action), twin.step(action))
    np.testing.assert_equal(states(env), states(twin))


PARAMETERS = [(row.name, field.name) for row in tasks.TABLE for field in fields(row.make())]


@pytest.mark.parametrize(("task", "name"), PARAMETERS)
def test_parameters_of_absurd_values_are_refused_at_once(task, name):
    values = [-1, 10**9, 2**63, 2.5, float("nan"), "3", [1], np.array([3, 5])]
    values += [] if isinstance(getattr(tasks.get(task), name), bool) else [True]
    values += [] if name == "outputs" else [None]
    for value in values:
        with pytest.raises((TypeError, ValueError), match=f"^{name} is|expects 1000000000 <= length"):
            SequenceEnv(task, **{name: value})


def test_integers_of_numpy_are_parameters_like_those_of_python():
    """They would overflow: 127 + 1 is -128 as an int8."""
    task = tasks.get("associative_recall", item_length=np.int8(127), bits=np.uint8(200))
    assert task == tasks.get("associative_recall", item_length=127, bits=200)
    assert task.steps(items=np.int8(100)) == 128 * 101 + 128


@pytest.mark.parametrize(
    "number", [0, -1, 1.0, True, "3", None, 10**9, 2**63, np.array([1, 2])], ids=lambda value: repr(value)
)
def test_other_numbers_of_environments_are_refused_at_once(number):
    with pytest.raises(ValueError, match=r"num_envs is|GiB of memory"):
        gym.make_vec(COPY, num_envs=number)
