"""Answers: each type against a loop over its symbols, and everything that may come from outside."""

import re
from fractions import Fraction

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ntm_envs import SequenceEnv, SequenceVectorEnv
from ntm_envs.answers import Answers, Bits, Symbols, from_space

BITS = [Bits(width) for width in (1, 7, 8, 9, 70)]
SYMBOLS = [Symbols(sizes) for sizes in ((2,), (5,), (2, 2, 5), (3, 300), (2**15 + 1, 2))]
ANSWERS = BITS + SYMBOLS
DTYPES = [np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64, np.float32, np.float64, np.bool_]
ROUNDING = [Symbols((3, 300)), Symbols((10,) * 9), Symbols((3, 7, 5, 11, 3, 6))]
"""Types whose credits are no binary fractions."""


@pytest.fixture(params=ANSWERS, ids=repr)
def answers(request) -> Answers:
    return request.param


def drawn(answers: Answers, count: int, seed: int = 0):
    return answers.uniform(np.random.default_rng(seed), count)


def pairs(answers: Answers, count: int):
    """Return answers and targets, of which about half of the symbols agree."""
    given, targets = drawn(answers, count, 1), drawn(answers, count, 2)
    return np.where(np.random.default_rng(3).random(given.shape) < 0.5, targets, given), targets


def naive(answers: Answers, given, target):
    """Return wrong symbols and the exact credit of one answer, from the definition of the reward."""
    wrong, credit = 0, Fraction(0)
    for size, one, other in zip(answers.sizes, given.tolist(), target.tolist(), strict=True):
        wrong += one != other
        credit += 1 if one == other else Fraction(-1, size - 1)
    return wrong, credit


def one_hot(answers: Answers, values):
    """Return probabilities ``[n, L]`` that are certain of the answers ``[n, O]``."""
    if isinstance(answers, Bits):
        return values.astype(np.float32)
    hot = np.zeros((len(values), answers.logits), np.float32)
    starts = np.cumsum([0, *answers.sizes[:-1]])
    np.put_along_axis(hot, starts + values, 1, axis=1)
    return hot


def random_probabilities(answers: Answers, count: int):
    """Return probabilities ``[n, L]``, some of them 0 or 1."""
    random = np.random.default_rng(4)
    if isinstance(answers, Bits):
        return np.clip(random.uniform(-0.5, 1.5, (count, answers.width)), 0, 1)
    parts = [
        random.random((count, size)) ** 8 * (random.random((count, size)) < 0.7) for size in answers.sizes
    ]
    for part in parts:
        part[~part.any(axis=1), 0] = 1
    return np.concatenate([part / part.sum(axis=1, keepdims=True) for part in parts], axis=1)


def test_what_the_space_of_one_environment_gives_is_taken(answers):
    space = answers.space("answers")
    space.seed(0)
    for _ in range(20):
        sample = space.sample()
        checked = answers.check(sample)
        np.testing.assert_array_equal(checked, np.reshape(sample, answers.width))
        assert checked.dtype == answers.dtype
        assert answers.encode(sample) == checked.tobytes()


def test_what_the_space_of_many_environments_gives_is_taken(answers):
    env_space = spaces.MultiBinary if isinstance(answers, Bits) else spaces.MultiDiscrete
    shape = np.tile(answers.sizes, (6, 1)) if answers.width > 1 else np.full(6, answers.sizes[0])
    space = spaces.MultiBinary((6, answers.width)) if env_space is spaces.MultiBinary else env_space(shape)
    space.seed(0)
    sample = space.sample()
    checked = answers.check(sample, (6,))
    np.testing.assert_array_equal(checked, sample.reshape(6, answers.width))
    np.testing.assert_array_equal(answers.read(sample, 6), answers.pack(checked))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: np.dtype(dtype).name)
def test_the_fast_ways_are_the_slow_ones_for_every_real_type(answers, dtype):
    kind = np.dtype(dtype).kind
    largest = 1 if kind == "b" else min(np.iinfo(dtype).max, 2**62) if kind in "iu" else 2**24
    values = np.minimum(drawn(answers, 7).astype(np.int64), largest)
    forms = [values.astype(dtype), np.asfortranarray(values.astype(dtype))]
    if isinstance(answers, Symbols) and answers.width == 1:
        forms.append(values[:, 0].astype(dtype))  # [B], as batched Discrete has it
    for given_ in forms:
        checked = answers.check(given_, (7,))
        np.testing.assert_array_equal(checked, values)
        assert checked.dtype == answers.dtype
        packed = answers.read(given_, 7)
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


def test_grading_is_a_loop_over_symbols(answers):
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
def test_credits_of_one_environment_are_those_of_many_bit_by_bit(answers):
    same_credits(answers)


@pytest.mark.parametrize("answers", ROUNDING, ids=repr)
def test_credits_that_are_no_binary_fractions_are_the_same_too(answers):
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


def test_uniform_guesses_earn_nothing_on_average_and_perfect_answers_all(answers):
    guesses, targets = drawn(answers, 20_000, 5), drawn(answers, 20_000, 6)
    _, credit = answers.grade(answers.pack(guesses), answers.pack(targets))
    assert abs(credit.mean()) < 4 * credit.std() / np.sqrt(len(credit))
    wrong, credit = answers.grade(answers.pack(targets), answers.pack(targets))
    assert not wrong.any()
    assert (credit == answers.width).all()
    assert credit / answers.worth(3) == pytest.approx(np.full(len(credit), 1 / 3))


def test_uniform_answers_are_uniform_classes(answers):
    values = drawn(answers, 20_000, 7)
    assert values.dtype == answers.dtype
    for size, column in zip(answers.sizes, values.T, strict=True):
        highest = size if size < 20 else 2  # of large alphabets, their halves
        counts = np.bincount(column.astype(np.int64) * highest // size, minlength=highest)
        share = np.bincount(np.arange(size) * highest // size) / size
        assert (abs(counts - 20_000 * share) < 4 * np.sqrt(20_000 * share * (1 - share))).all()


def test_a_uniform_guess_costs_the_logarithms_of_the_numbers_of_classes(answers):
    targets = drawn(answers, 30)
    guesses = np.tile(answers.guess, (30, 1))
    assert answers.guess.shape == (answers.logits,)
    answers.check_probabilities(guesses, (30,))
    answers.check_probabilities(guesses.astype(np.float32), (30,))
    np.testing.assert_allclose(answers.cost_in_bits(guesses, targets), answers.uniform_cost, rtol=1e-12)
    assert answers.uniform_cost == pytest.approx(np.log2(np.array(answers.sizes, float)).sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_costs_are_from_0_to_20_bits_a_symbol_and_sums_of_logarithms(answers, dtype):
    probabilities, targets = random_probabilities(answers, 40).astype(dtype), drawn(answers, 40, 8)
    answers.check_probabilities(probabilities, (40,))
    costs = answers.cost_in_bits(probabilities, targets)
    assert costs.dtype == np.float64
    assert (costs >= 0).all()
    assert (costs <= 20 * answers.width).all()
    for row, target, cost in zip(probabilities.astype(np.float64), targets, costs, strict=True):
        expected, start = 0.0, 0
        for size, value in zip(answers.sizes, target.tolist(), strict=True):
            p = (row[start] if value else 1 - row[start]) if isinstance(answers, Bits) else row[start + value]
            expected -= np.log2(min(max(p, 2**-20), 1 - 2**-20))
            start += 1 if isinstance(answers, Bits) else size
        assert cost == pytest.approx(expected, rel=1e-9, abs=1e-12)
    np.testing.assert_array_equal(answers.cost_in_bits(probabilities[3], targets[3]), costs[3])


def test_certainty_costs_nothing_if_it_is_right_and_20_bits_a_symbol_if_it_is_wrong(answers):
    targets = drawn(answers, 30)
    others = ((targets.astype(np.int64) + 1) % answers.sizes).astype(answers.dtype)
    for dtype in (np.float32, np.float64, np.int64, np.bool_):
        right, wrong = one_hot(answers, targets).astype(dtype), one_hot(answers, others).astype(dtype)
        assert (answers.cost_in_bits(right, targets) < 2e-6 * answers.width).all()
        np.testing.assert_allclose(answers.cost_in_bits(wrong, targets), 20 * answers.width)


def test_decoding_finds_the_most_probable_symbols(answers):
    values = drawn(answers, 30)
    certain = one_hot(answers, values)
    answers.check_probabilities(certain, (30,))
    blurred = 0.6 * certain + 0.4 * answers.guess
    for probabilities in (certain, certain.astype(np.float64), blurred):
        decoded = answers.decode(probabilities)
        assert decoded.dtype == answers.dtype
        np.testing.assert_array_equal(decoded, values)
    np.testing.assert_array_equal(answers.decode(certain.reshape(5, 6, -1)), values.reshape(5, 6, -1))
    np.testing.assert_array_equal(answers.decode(certain[0]), values[0])


def test_a_guess_decodes_to_the_first_classes(answers):
    assert not answers.decode(answers.guess).any()


@given(st.data())
def test_mean_returns_follow_from_counts_where_symbols_are_alike(data):
    size, width = data.draw(st.integers(2, 9)), data.draw(st.integers(1, 5))
    steps, episodes = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 5))
    answers = Symbols((size,) * width) if data.draw(st.booleans()) else Bits(width)
    given_, targets = pairs(answers, steps * episodes)
    wrong, credit = answers.grade(answers.pack(given_), answers.pack(targets))
    returns = (credit / answers.worth(steps)).reshape(steps, episodes).sum(axis=0)
    expected = answers.mean_return(int(wrong.sum()), wrong.size * width)
    assert returns.mean() == pytest.approx(expected, abs=1e-12)


def test_mean_returns_do_not_follow_where_symbols_differ():
    assert Symbols((2, 2, 5)).mean_return(1, 6) is None


def test_a_space_leads_back_to_the_answers(answers):
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
        (lambda: Bits(3).space("logits"), "actions is 'logits'; expected 'answers' or 'probabilities'"),
    ],
)
def test_impossible_types_are_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


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
def test_what_is_no_class_is_refused_by_name(answers, action, message):
    many = np.stack([np.zeros_like(action), action])
    for refuse in (lambda: answers.check(np.array(action)), lambda: answers.encode(np.array(action))):
        with pytest.raises(ValueError, match=re.escape(message)):
            refuse()
    for refuse in (lambda: answers.check(many, (2,)), lambda: answers.read(many, 2)):
        with pytest.raises(ValueError, match=re.escape(message)):
            refuse()


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
@pytest.mark.parametrize("answers", [*BITS, *SYMBOLS[:3]], ids=repr)
def test_a_wrong_symbol_is_refused_wherever_it_stands(answers, dtype):
    """The fast ways look at every symbol, both of their bounds included."""
    for o, size in enumerate(answers.sizes):
        for value in (size, -1, -128, 127):
            one = np.zeros(answers.width, dtype)
            one[o] = value
            with pytest.raises(ValueError, match=f"has {dtype(value)}( as symbol {o})?; expected"):
                answers.encode(one)
            with pytest.raises(ValueError, match=f"has {dtype(value)}( as symbol {o})?; expected"):
                answers.read(np.stack([np.zeros_like(one), one]), 2)


@pytest.mark.parametrize("form", [int, np.int8, np.int64, np.float32, np.array])
@pytest.mark.parametrize("value", [5, -1])
def test_a_number_that_is_no_class_is_refused(value, form):
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
def test_another_number_of_rows_is_refused(answers):
    for rows in (1, 3):
        with pytest.raises(ValueError, match=re.escape(f"shape {(rows, answers.width)}; expected")):
            answers.read(np.zeros((rows, answers.width), np.int64), 2)


@pytest.mark.parametrize("off", [0, 5e-5, -5e-5])
def test_probabilities_may_miss_1_by_rounding(off):
    for dtype in (np.float32, np.float64):
        Symbols((2, 3)).check_probabilities(np.array([0.25, 0.75, 0.5 + off, 0.25, 0.25], dtype))


PROBABILITIES = [
    (Symbols((2, 3)), [0, 1, 0.501, 0.25, 0.25], "of symbol 1 sum to 1.001; expected 1 within 0.0001"),
    (Symbols((2, 3)), [0, 0.999, 0.5, 0.25, 0.25], "of symbol 0 sum to 0.999; expected 1 within 0.0001"),
    (Symbols((2,)), [0, 0], "of symbol 0 sum to 0.0; expected 1 within 0.0001"),
    (Symbols((2,)), [1.5, -0.5], "has 1.5; expected probabilities from 0 to 1"),
    (Symbols((2,)), [np.nan, 1], "has nan; expected probabilities from 0 to 1"),
    (Symbols((2,)), [np.inf, 0], "has inf; expected probabilities from 0 to 1"),
    (Bits(2), [0.5, -0.1], "has -0.1; expected probabilities from 0 to 1"),
    (Bits(2), [np.nan, 0.5], "has nan; expected probabilities from 0 to 1"),
    (Bits(2), [0.5], "shape (1,); expected (2,)"),
    (Symbols((2, 3)), [0, 1], "shape (2,); expected (5,)"),
    (Symbols((2,)), 0.5, "shape (); expected (2,)"),
    (Symbols((2,)), ["0", "1"], "type <U1; expected real numbers"),
]


@pytest.mark.parametrize(("answers", "action", "message"), PROBABILITIES, ids=str)
def test_what_are_no_probabilities_is_refused_by_name(answers, action, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        answers.check_probabilities(np.array(action))


# Parity answers with one symbol, the tape with three.
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
    """Return two environments, and actions for them."""
    envs = [make(task, length=4, **arguments) for _ in range(2)]
    for env in envs:
        env.reset(seed=0)
    envs[0].action_space.seed(0)
    return *envs, [envs[0].action_space.sample() for _ in range(12)]


def same(one, two) -> bool:
    """Compare what two environments return, also where it is nested, and tell whether all are over."""
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
def test_an_environment_refuses_a_bad_action_and_goes_on(task):
    env, twin, actions = twins(SequenceEnv, task)
    for action in actions:
        for bad, message in BAD[task]:
            with pytest.raises(ValueError, match=message):
                env.step(bad)
        if same(env.step(action), twin.step(action)):
            np.testing.assert_equal(env.reset(), twin.reset())


@pytest.mark.parametrize("task", BAD)
def test_a_vector_environment_refuses_a_bad_row_and_all_rows_go_on(task):
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
def test_environments_refuse_bad_probabilities_and_go_on(bad):
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
def test_actions_of_rows_that_are_over_are_not_looked_at(shape):
    env = SequenceVectorEnv("parity", 2, length=1)
    env.reset(seed=0)
    for _ in range(2):
        over = env.step(np.zeros(shape, np.int64))[2]
    assert over.all()
    env.step(np.full(shape, 7))
