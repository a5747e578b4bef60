"""Invalid actions: errors name the value, and episodes continue as if nothing had happened."""

import re

import numpy as np
import pytest
from answer_types import ANSWERS, BITS, SYMBOLS

from ntm_envs import SequenceEnv, SequenceVectorEnv
from ntm_envs.answers import Bits, Symbols

CLASSES = [
    (Bits(2), [0, 2], "has 2; expected 0 or 1 everywhere"),
    (Bits(2), [0, -1], "has -1; expected 0 or 1 everywhere"),
    (Bits(2), [0.5, 0], "has 0.5; expected 0 or 1 everywhere"),
    (Bits(2), [np.nan, 0], "has nan; expected 0 or 1 everywhere"),
    (Bits(2), [np.inf, 0], "has inf; expected 0 or 1 everywhere"),
    (Symbols((5,)), [5], "has 5; expected a class from 0 to 4"),
    (Symbols((5,)), [-1], "has -1; expected a class from 0 to 4"),
    (Symbols((5,)), [1.5], "has 1.5; expected a class from 0 to 4"),
    (Symbols((5,)), [np.nan], "has nan; expected a class from 0 to 4"),
    (Symbols((5,)), [-np.inf], "has -inf; expected a class from 0 to 4"),
    (Symbols((5,)), [np.uint64(2**64 - 1)], f"has {2**64 - 1}; expected a class from 0 to 4"),
    (Symbols((2, 2, 5)), [1, 2, 0], "has 2 as symbol 1; expected a class from 0 to 1"),
    (Symbols((2, 2, 5)), [1, 0, 5], "has 5 as symbol 2; expected a class from 0 to 4"),
    (Symbols((2, 2, 5)), [-3, 0, 4], "has -3 as symbol 0; expected a class from 0 to 1"),
    (Symbols((2**15 + 1, 2)), [2**15 + 1, 0], "has 32769 as symbol 0; expected a class from 0 to 32768"),
]


@pytest.mark.parametrize(("answers", "action", "message"), CLASSES, ids=str)
def test_values_that_are_not_classes_are_refused_by_name(answers, action, message):
    many = np.stack([np.zeros_like(action), action])
    for refuse in (lambda: answers.check(np.array(action)), lambda: answers.encode(np.array(action))):
        with pytest.raises(ValueError, match=re.escape(message)):
            refuse()
    for refuse in (lambda: answers.check(many, (2,)), lambda: answers.check_and_pack(many, 2)):
        with pytest.raises(ValueError, match=re.escape(message)):
            refuse()


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
@pytest.mark.parametrize("answers", [*BITS, *SYMBOLS[:3]], ids=repr)
def test_an_invalid_symbol_is_refused_at_every_position(answers, dtype):
    """The fast paths check every symbol against both bounds."""
    for o, size in enumerate(answers.sizes):
        for value in (size, -1, -128, 127):
            one = np.zeros(answers.width, dtype)
            one[o] = value
            with pytest.raises(ValueError, match=f"has {dtype(value)}( as symbol {o})?; expected"):
                answers.encode(one)
            with pytest.raises(ValueError, match=f"has {dtype(value)}( as symbol {o})?; expected"):
                answers.check_and_pack(np.stack([np.zeros_like(one), one]), 2)


@pytest.mark.parametrize("form", [int, np.int8, np.int64, np.float32, np.array])
@pytest.mark.parametrize("value", [5, -1])
def test_a_number_that_is_not_a_class_is_refused(value, form):
    with pytest.raises(ValueError, match=f"has {value}(.0)?; expected a class from 0 to 4"):
        Symbols((5,)).encode(form(value))


SHAPES = [
    (Bits(2), np.zeros(3), "shape (3,); expected (2,)"),
    (Bits(2), 0, "shape (); expected (2,)"),
    (Bits(1), 0, "shape (); expected (1,)"),
    (Symbols((5,)), np.zeros(2), "shape (2,); expected (1,) or ()"),
    (Symbols((5,)), np.zeros((1, 1)), "shape (1, 1); expected (1,) or ()"),
    (Symbols((2, 2, 5)), np.zeros(2), "shape (2,); expected (3,)"),
    (Symbols((2, 2, 5)), None, "shape (); expected (3,)"),
    (Bits(1), np.array(["1"]), "type <U1; expected real numbers"),
    (Symbols((5,)), "3", "type <U1; expected real numbers"),
    (Symbols((5,)), None, "type object; expected real numbers"),
    (Symbols((5,)), 1j, "type complex128; expected real numbers"),
]


@pytest.mark.parametrize(("answers", "action", "message"), SHAPES, ids=str)
def test_other_shapes_and_types_are_refused(answers, action, message):
    for refuse in (answers.check, answers.encode):
        with pytest.raises(ValueError, match=re.escape(message)):
            refuse(action)


@pytest.mark.parametrize("answers", ANSWERS, ids=repr)
def test_a_wrong_number_of_rows_is_refused(answers):
    for rows in (1, 3):
        with pytest.raises(ValueError, match=re.escape(f"shape {(rows, answers.width)}; expected")):
            answers.check_and_pack(np.zeros((rows, answers.width), np.int64), 2)


# Answers of Parity have one symbol, those of the tape three.
BAD = {
    "parity": [
        (2, "has 2"),
        (-1, "has -1"),
        (0.5, "has 0.5"),
        (np.nan, "has nan"),
        ("1", "type"),
        (None, "type"),
    ],
    "tape_copy": [
        ([1, 1, 5], "has 5 as symbol 2"),
        ([1, -1, 0], "has -1 as symbol 1"),
        ([0.5, 0, 0], "has 0.5 as symbol 0"),
        ([1, 1], "shape"),
        ([np.inf, 0, 0], "has inf"),
    ],
}


def twins(make, task: str, **arguments):
    """Return two equal environments after a reset, and actions for them."""
    envs = [make(task, length=4, **arguments) for _ in range(2)]
    for env in envs:
        env.reset(seed=0)
    envs[0].action_space.seed(0)
    return *envs, [envs[0].action_space.sample() for _ in range(12)]


def same(one, two) -> bool:
    """Check that two environments returned the same, and return whether all episodes are over."""
    for mine, other in zip(one, two, strict=True):
        if isinstance(mine, dict):
            assert mine.keys() == other.keys()
            same(mine.values(), other.values())
        elif isinstance(mine, np.ndarray) and mine.dtype == object:
            same(mine, other)
        else:
            np.testing.assert_array_equal(mine, other)
    return isinstance(one, tuple) and bool(np.all(one[2]))


@pytest.mark.parametrize("task", BAD)
def test_an_environment_refuses_a_bad_action_and_continues(task):
    env, twin, actions = twins(SequenceEnv, task)
    for action in actions:
        for bad, message in BAD[task]:
            with pytest.raises(ValueError, match=message):
                env.step(bad)
        if same(env.step(action), twin.step(action)):
            np.testing.assert_equal(env.reset(), twin.reset())


@pytest.mark.parametrize("task", BAD)
def test_a_vector_environment_refuses_a_bad_row_and_all_rows_continue(task):
    def many(name, **arguments):
        return SequenceVectorEnv(name, 3, autoreset_mode="SameStep", **arguments)

    env, twin, actions = twins(many, task)
    for action in actions:
        for bad, message in BAD[task]:
            rows = [action[0], action[1], bad] if np.shape(bad) == action.shape[1:] else [bad] * 3
            with pytest.raises(ValueError, match=message):
                env.step(np.array(rows))
        same(env.step(action), twin.step(action))


@pytest.mark.parametrize("bad", [[0.5, 0.6], [np.nan, 0.5], [1.2, -0.2], [1], [0, 0]], ids=str)
def test_environments_refuse_bad_probabilities_and_continue(bad):
    env, twin, _ = twins(SequenceEnv, "parity", actions="probabilities")
    many, others = (SequenceVectorEnv("parity", 2, length=4, actions="probabilities") for _ in range(2))
    many.reset(seed=0), others.reset(seed=0)
    for _ in range(5):
        with pytest.raises(ValueError, match=r"probabilities|shape"):
            env.step(bad)
        with pytest.raises(ValueError, match=r"probabilities|shape"):
            many.step(np.array([[0.5, 0.5], bad] if len(bad) == 2 else [bad, bad]))
        same(env.step([0.3, 0.7]), twin.step([0.3, 0.7]))
        same(many.step(np.full((2, 2), 0.5)), others.step(np.full((2, 2), 0.5)))


IGNORED = [(2,), (2, 1)]


@pytest.mark.parametrize("shape", IGNORED, ids=str)
def test_actions_of_rows_that_are_over_are_ignored(shape):
    env = SequenceVectorEnv("parity", 2, length=1)
    env.reset(seed=0)
    for _ in range(2):
        over = env.step(np.zeros(shape, np.int64))[2]
    assert over.all()
    env.step(np.full(shape, 7))


BAD_ACTIONS = [
    (np.zeros(7, np.int8), "shape"),
    (np.full(8, 2, np.int8), "has 2"),
    (np.full(8, -1, np.int8), "has -1"),
    (np.full(8, np.nan), "has nan"),
    (np.full(8, 0.5), "has 0.5"),
    (np.array(["0"] * 8), "type"),
    (None, "shape"),
]


@pytest.mark.parametrize(("action", "message"), BAD_ACTIONS)
def test_bad_actions_are_refused_and_leave_the_episode_unchanged(action, message):
    env, vector = SequenceEnv("copy", length=2), SequenceVectorEnv("copy", 1, length=2)
    env.reset(seed=0), vector.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(action)
    with pytest.raises(ValueError, match=message):
        vector.step(action if action is None else np.asarray(action)[None])
    steps = [env.step(np.zeros(8))[2] for _ in range(5)]
    assert steps == [False] * 4 + [True]
    assert [bool(vector.step(np.zeros((1, 8)))[2][0]) for _ in range(5)] == steps


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_bad_probabilities_are_refused(value):
    env = SequenceEnv("copy", actions="probabilities")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="expected probabilities"):
        env.step(np.full(8, value))
