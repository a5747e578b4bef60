"""Answer types: fast paths equal slow ones, and grading equals a loop over symbols."""

import re
from fractions import Fraction

import numpy as np
import pytest
from answer_types import ANSWERS, BITS, SYMBOLS, drawn, pairs
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs.answers import Answers, Bits, Symbols, from_space

DTYPES = [np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64, np.float32, np.float64, np.bool_]
ROUNDING = [Symbols((3, 300)), Symbols((10,) * 9), Symbols((3, 7, 5, 11, 3, 6))]
"""Answer types whose credits are not binary fractions."""


@pytest.fixture(params=ANSWERS, ids=repr)
def answers(request) -> Answers:
    return request.param


def naive(answers: Answers, given, target):
    """Return wrong symbols and the exact credit of one answer, from the definition of the reward."""
    wrong, credit = 0, Fraction(0)
    for size, one, other in zip(answers.sizes, given.tolist(), target.tolist(), strict=True):
        wrong += one != other
        credit += 1 if one == other else Fraction(-1, size - 1)
    return wrong, credit


def test_samples_of_the_action_space_are_accepted(answers):
    space = answers.space("answers")
    space.seed(0)
    for _ in range(20):
        sample = space.sample()
        checked = answers.check(sample)
        np.testing.assert_array_equal(checked, np.reshape(sample, answers.width))
        assert checked.dtype == answers.dtype
        assert answers.encode(sample) == checked.tobytes()


def test_samples_of_the_batched_action_space_are_accepted(answers):
    env_space = spaces.MultiBinary if isinstance(answers, Bits) else spaces.MultiDiscrete
    shape = np.tile(answers.sizes, (6, 1)) if answers.width > 1 else np.full(6, answers.sizes[0])
    space = spaces.MultiBinary((6, answers.width)) if env_space is spaces.MultiBinary else env_space(shape)
    space.seed(0)
    sample = space.sample()
    checked = answers.check(sample, (6,))
    np.testing.assert_array_equal(checked, sample.reshape(6, answers.width))
    np.testing.assert_array_equal(answers.check_and_pack(sample, 6), answers.pack(checked))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)
def test_fast_paths_equal_slow_ones_for_every_real_dtype(answers, dtype):
    kind = np.dtype(dtype).kind
    largest = 1 if kind == "b" else min(np.iinfo(dtype).max, 2**62) if kind in "iu" else 2**24
    values = np.minimum(drawn(answers, 7).astype(np.int64), largest)
    forms = [values.astype(dtype), np.asfortranarray(values.astype(dtype))]
    if isinstance(answers, Symbols) and answers.width == 1:
        forms.append(values[:, 0].astype(dtype))  # [B], as in a batched Discrete
    for given_ in forms:
        checked = answers.check(given_, (7,))
        np.testing.assert_array_equal(checked, values)
        assert checked.dtype == answers.dtype
        packed = answers.check_and_pack(given_, 7)
        assert packed.dtype == answers.pack(checked).dtype
        np.testing.assert_array_equal(packed, answers.pack(checked))
        for row, expected in zip(given_, checked, strict=True):
            assert answers.encode(row) == answers.check(row).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "form", [int, float, np.int8, np.int64, np.uint8, np.float32, np.array, lambda x: [x]]
)
@pytest.mark.parametrize("size", [2, 5, 300])
def test_one_symbol_may_be_a_number(size, form):
    answers = Symbols((size,))
    for value in (0, 1, min(size, 128) - 1):
        assert answers.encode(form(value)) == answers.check(form(value)).tobytes()
        assert answers.check(form(value)).tolist() == [value]


@pytest.mark.parametrize("value", [False, True, np.True_])
def test_one_symbol_of_two_may_be_a_bool(value):
    assert Symbols((2,)).encode(value) == bytes([int(value)])


def test_grading_equals_a_loop_over_symbols(answers):
    given_, targets = pairs(answers, 200)
    wrong, credit = answers.grade(answers.pack(given_), answers.pack(targets))
    assert wrong.dtype == np.int64
    for row, target, errors, earned in zip(given_, targets, wrong, credit, strict=True):
        expected = naive(answers, row, target)
        assert errors == expected[0]
        assert earned == pytest.approx(float(expected[1]), abs=1e-12)
        assert answers.grade_bytes(row.tobytes(), target.tobytes()) == (
            expected[0],
            pytest.approx(float(expected[1]), abs=1e-12),
        )


def test_grading_takes_any_leading_shape(answers):
    given_, targets = (answers.pack(values.reshape(4, 6, -1)) for values in pairs(answers, 24))
    wrong, credit = answers.grade(given_, targets)
    assert wrong.shape == credit.shape == (4, 6)
    flat = answers.grade(given_.reshape(24, -1), targets.reshape(24, -1))
    np.testing.assert_array_equal(wrong.ravel(), flat[0])
    np.testing.assert_allclose(credit.ravel(), flat[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("answers", ANSWERS[:-2], ids=repr)
def test_credits_of_one_answer_and_of_a_batch_are_bit_identical(answers):
    same_credits(answers)


@pytest.mark.parametrize("answers", ROUNDING, ids=repr)
def test_credits_that_are_not_binary_fractions_are_bit_identical_too(answers):
    same_credits(answers)


def same_credits(answers: Answers) -> None:
    given_, targets = pairs(answers, 400)
    _, credit = answers.grade(answers.pack(given_), answers.pack(targets))
    for row, target, earned in zip(given_, targets, credit, strict=True):
        assert answers.grade(answers.pack(row[None]), answers.pack(target[None]))[1][0] == earned
        assert answers.grade_bytes(row.tobytes(), target.tobytes())[1] == earned


def test_unpacking_undoes_packing(answers):
    for values in (drawn(answers, 5), drawn(answers, 12).reshape(3, 4, -1), drawn(answers, 0)):
        unpacked = answers.unpack(answers.pack(values))
        np.testing.assert_array_equal(unpacked, values)
        assert unpacked.dtype == values.dtype == answers.dtype


def test_uniform_guesses_earn_nothing_on_average_and_perfect_answers_everything(answers):
    guesses, targets = drawn(answers, 20_000, 5), drawn(answers, 20_000, 6)
    _, credit = answers.grade(answers.pack(guesses), answers.pack(targets))
    assert abs(credit.mean()) < 4 * credit.std() / np.sqrt(len(credit))
    wrong, credit = answers.grade(answers.pack(targets), answers.pack(targets))
    assert not wrong.any()
    assert (credit == answers.width).all()
    assert credit / answers.max_credit(3) == pytest.approx(np.full(len(credit), 1 / 3))


def test_uniform_answers_are_uniform_classes(answers):
    values = drawn(answers, 20_000, 7)
    assert values.dtype == answers.dtype
    for size, column in zip(answers.sizes, values.T, strict=True):
        highest = size if size < 20 else 2  # of large alphabets, their halves
        counts = np.bincount(column.astype(np.int64) * highest // size, minlength=highest)
        share = np.bincount(np.arange(size) * highest // size) / size
        assert (abs(counts - 20_000 * share) < 4 * np.sqrt(20_000 * share * (1 - share))).all()


@given(st.data())
def test_mean_returns_follow_from_counts_if_all_symbols_have_equally_many_classes(data):
    size, width = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 5))
    steps, episodes = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 5))
    answers = Symbols((size,) * width) if data.draw(st.booleans()) else Bits(width)
    given_, targets = pairs(answers, steps * episodes)
    wrong, credit = answers.grade(answers.pack(given_), answers.pack(targets))
    returns = (credit / answers.max_credit(steps)).reshape(steps, episodes).sum(axis=0)
    expected = answers.mean_return(int(wrong.sum()), wrong.size * width)
    assert returns.mean() == pytest.approx(expected, abs=1e-12)


def test_mean_returns_are_unknown_if_numbers_of_classes_differ():
    assert Symbols((2, 2, 5)).mean_return(1, 6) is None


def test_an_action_space_determines_the_answer_type(answers):
    assert from_space(answers.space("answers")) == answers
    assert from_space(answers.space("answers")).space("answers") == answers.space("answers")
    box = answers.space("probabilities")
    assert box == spaces.Box(0, 1, (answers.logits,), np.float32)


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(0, 1, (3,)),
        spaces.MultiBinary((2, 3)),
        spaces.Discrete(5, start=1),
        spaces.MultiDiscrete([2, 3], start=[0, 1]),
        spaces.MultiDiscrete([[2, 3], [2, 3]]),
        spaces.Dict({}),
    ],
    ids=repr,
)
def test_other_spaces_are_refused(space):
    with pytest.raises(ValueError, match=re.escape(f"is {space}; expected MultiBinary(n), Discrete(n)")):
        from_space(space)


def test_types_are_equal_if_sizes_and_names_are():
    again = [Bits(answers.width) for answers in BITS] + [Symbols(list(answers.sizes)) for answers in SYMBOLS]
    assert again == ANSWERS
    assert [hash(answers) for answers in again] == [hash(answers) for answers in ANSWERS]
    assert len({*again, *ANSWERS}) == len(ANSWERS)
    assert Symbols((2,)) != Bits(1)
    assert Symbols((2, 2)) != Symbols((4,))
    assert Symbols((3,)) != Symbols((3,), names=("01e",))
    assert Symbols((3,), names=("01e",)) == Symbols((3,), names=["01e"])
    assert Bits(1) != "Bits(1)"
    assert [eval(repr(answers)) for answers in ANSWERS] == ANSWERS


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bits(0), "width is 0; expected at least 1 bit"),
        (lambda: Symbols(()), "sizes is (); expected at least one symbol"),
        (lambda: Symbols((3, 1)), "sizes is (3, 1); expected at least one symbol, each of 2 to 2**31"),
        (lambda: Symbols((2**31 + 1,)), "expected at least one symbol, each of 2 to 2**31"),
        (lambda: Symbols((3,), names=("ab",)), "names is ('ab',); expected a letter for each class"),
        (lambda: Symbols((3, 2), names=("abc",)), "names is ('abc',); expected a letter for each class"),
        (lambda: Bits(3).space("logits"), "actions is 'logits'; expected 'answers' or 'multidiscrete' or"),
    ],
)
def test_impossible_types_are_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
