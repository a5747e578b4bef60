"""Probabilities as actions: validation, decoding, and costs in bits."""

import re

import numpy as np
import pytest
from answer_types import ANSWERS, drawn

from ntm_envs.answers import Answers, Bits, Symbols


@pytest.fixture(params=ANSWERS, ids=repr)
def answers(request) -> Answers:
    return request.param


def one_hot(answers: Answers, values):
    """Return probabilities ``[n, L]`` of 1 for the answers ``[n, O]``."""
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


def test_a_uniform_guess_costs_the_logarithm_of_the_number_of_classes(answers):
    targets = drawn(answers, 30)
    guesses = np.tile(answers.uniform_probabilities, (30, 1))
    assert answers.uniform_probabilities.shape == (answers.logits,)
    answers.check_probabilities(guesses, (30,))
    answers.check_probabilities(guesses.astype(np.float32), (30,))
    np.testing.assert_allclose(answers.cost_in_bits(guesses, targets), answers.uniform_cost, rtol=1e-12)
    assert answers.uniform_cost == pytest.approx(np.log2(np.array(answers.sizes, float)).sum())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_costs_are_sums_of_logarithms_from_0_to_20_bits_per_symbol(answers, dtype):
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


def test_certainty_costs_nothing_if_correct_and_20_bits_per_symbol_if_wrong(answers):
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
    blurred = 0.6 * certain + 0.4 * answers.uniform_probabilities
    for probabilities in (certain, certain.astype(np.float64), blurred):
        decoded = answers.decode(probabilities)
        assert decoded.dtype == answers.dtype
        np.testing.assert_array_equal(decoded, values)
    np.testing.assert_array_equal(answers.decode(certain.reshape(5, 6, -1)), values.reshape(5, 6, -1))
    np.testing.assert_array_equal(answers.decode(certain[0]), values[0])


def test_a_uniform_guess_decodes_to_the_first_classes(answers):
    assert not answers.decode(answers.uniform_probabilities).any()


@pytest.mark.parametrize("off", [0, 5e-5, -5e-5])
def test_sums_of_probabilities_may_differ_from_1_by_rounding(off):
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
def test_invalid_probabilities_are_refused_by_name(answers, action, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        answers.check_probabilities(np.array(action))
