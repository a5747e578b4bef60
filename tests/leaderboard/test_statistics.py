import numpy as np
import pytest
from scipy import stats
from test_results import RESULT

from ntm_envs import tasks
from ntm_leaderboard.board.statistics import (
    bootstrap_interval,
    fisher,
    horizon,
    interquartile_mean,
    ladder,
    learned,
    probability_of_improvement,
    solved,
    task_score,
    two_shares,
)
from ntm_leaderboard.results import Result, Rung, Score

COPY, NGRAMS = tasks.spec("copy"), tasks.spec("ngrams")


def rung(sizes, right, sequences=100, cost=None, oracle_wrong=0, oracle_cost=None):
    def score(right, cost, wrong):
        return Score(all_right=right, wrong_symbols=wrong, mean_return=0.0, cost_in_bits=cost)

    oracle = score(sequences if not oracle_wrong else 0, oracle_cost, oracle_wrong)
    own = score(right, cost, (sequences - right) * 3)
    references = {"oracle": oracle}
    return Rung(sizes=sizes, sequences=sequences, symbols=sequences * 195, score=own, references=references)


def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(1).normal(size=12)
    low, high = bootstrap_interval(values)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert low == pytest.approx(theirs.low, abs=0.02)
    assert high == pytest.approx(theirs.high, abs=0.02)
    assert bootstrap_interval(values) == (low, high)
    assert bootstrap_interval([0.3]) == (0.3, 0.3)


def test_groups_are_resampled_each_by_itself_as_scipy_does():
    groups = [np.random.default_rng(i).normal(i, 1 + i, size=5 + i) for i in range(3)]
    low, high = bootstrap_interval(*groups)
    theirs = stats.bootstrap(
        groups,
        lambda *parts, axis: np.mean([part.mean(axis=axis) for part in parts], axis=0),
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert low == pytest.approx(theirs.low, abs=0.03)
    assert high == pytest.approx(theirs.high, abs=0.03)
    assert bootstrap_interval([1.0], [0.25]) == (0.625, 0.625)


@pytest.mark.parametrize("count", range(1, 12))
def test_the_interquartile_mean_is_scipys_trimmed_mean(count):
    values = np.random.default_rng(count).normal(size=count)
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_the_probability_of_improvement_is_that_of_mann_and_whitney():
    rng = np.random.default_rng(0)
    for n, m in ((1, 1), (5, 5), (4, 9)):
        own, others = rng.integers(4, size=n), rng.integers(4, size=m)  # with ties
        theirs = stats.mannwhitneyu(own, others).statistic / (n * m)
        assert probability_of_improvement(own, others) == pytest.approx(theirs)
    assert probability_of_improvement([1, 1], [1]) == 0.5
    assert probability_of_improvement([2], [1, 1]) == 1


def returns(sizes, own, constant=0.2, oracle=0.7):
    def score(mean_return):
        return Score(all_right=0, wrong_symbols=4, mean_return=mean_return, cost_in_bits=None)

    references = {"constant": score(constant), "oracle": score(oracle)}
    return Rung(sizes=sizes, sequences=4, symbols=8, score=score(own), references=references)


@pytest.mark.parametrize(
    ("own", "expected"), [(0.7, 1), (0.8, 1), (0.2, 0), (-1, 0), (0.45, 0.5), (0.3, 0.2)]
)
def test_a_rungs_score_is_the_share_of_the_gap_that_is_closed(own, expected):
    assert returns({"length": 20}, own).scaled_return() == pytest.approx(expected)


@pytest.mark.parametrize(
    "references", [{"oracle": 0.2}, {}, {"constant": 0.8, "oracle": 0.8}, {"constant": 1.0}]
)
def test_no_score_without_a_gap(references):
    whole = returns({"length": 20}, 0.5)
    scores = {
        name: whole.score.model_copy(update={"mean_return": value}) for name, value in references.items()
    }
    with pytest.raises(ValueError, match=r"references at {'length': 20} are .*, and an oracle above"):
        whole.model_copy(update={"references": scores}).scaled_return()


@pytest.mark.parametrize(
    ("references", "best"),
    [
        ({"constant": 0.2, "oracle": 0.7, "reference": 0.6}, ("oracle", 0.7)),
        ({"constant": 0.2, "reference": 0.6}, ("reference", 0.6)),
        ({"constant": 0.2}, ("perfect", 1.0)),
    ],
)
def test_without_an_oracle_a_reference_stands_in_its_place_or_a_perfect_episode(references, best):
    whole = returns({"length": 20}, 0.4)
    scores = {
        name: whole.score.model_copy(update={"mean_return": value}) for name, value in references.items()
    }
    rung = whole.model_copy(update={"references": scores})
    assert rung.best == best
    assert rung.scaled_return() == pytest.approx((0.4 - 0.2) / (best[1] - 0.2))


def played(rungs):
    return Result.model_validate(RESULT).model_copy(update={"rungs": rungs})


def test_a_tasks_score_is_that_of_the_rungs_beyond_the_first():
    spec = tasks.spec("copy")
    all_right = [returns(rung, 0.7) for rung in spec.rungs]
    assert task_score(played(all_right), spec) == 1
    for failed in range(1, len(all_right)):  # at both ends of the ladder as well
        rungs = [*all_right[:failed], returns(spec.rungs[failed], 0.2), *all_right[failed + 1 :]]
        assert task_score(played(rungs), spec) == pytest.approx(1 - 1 / (len(rungs) - 1))
        assert learned(played(rungs), spec) == 1
    not_learned = [returns(spec.rungs[0], 0.2), *all_right[1:]]
    assert task_score(played(not_learned), spec) == 1
    assert learned(played(not_learned), spec) == 0
    assert task_score(played(all_right[:1]), spec) is None
    assert task_score(played(all_right[:2]), spec) == 1
    assert learned(played(all_right[1:]), spec) is None


def test_both_ladders_of_a_task_count_alike():
    spec = tasks.spec("repeat_copy")
    along = [[rung for rung in spec.ladders[size] if rung != spec.largest] for size in spec.ladders]
    assert len(along[0]) != len(along[1])
    for right, wrong in ((0, 1), (1, 0)):
        rungs = [returns(spec.largest, 0.7)]
        rungs += [returns(rung, 0.7) for rung in along[right]] + [returns(rung, 0.2) for rung in along[wrong]]
        assert task_score(played(rungs), spec) == pytest.approx(0.5)
    assert task_score(played([returns(rung, 0.7) for rung in spec.ladders["length"]]), spec) is None


@pytest.mark.parametrize(("right", "expected"), [(100, True), (99, True), (98, False), (0, False)])
def test_a_rung_is_solved_from_0_99_on(right, expected):
    assert solved(rung({"length": 20}, right), COPY) is expected


@pytest.mark.parametrize(
    ("cost", "expected"), [(128, True), (128.6, True), (128.7, False), (195, False), (None, False)]
)
def test_where_the_oracle_errs_the_gap_in_bits_decides(cost, expected):
    # Guessing costs 195 bits, the oracle 128: 0.99 of the gap is closed at 128.67.
    assert (
        solved(rung({"length": 200}, 0, cost=cost, oracle_wrong=900, oracle_cost=128.0), NGRAMS) is expected
    )


def test_exactly_0_99_of_the_gap_in_bits_is_enough():
    assert solved(rung({"length": 200}, 0, cost=96, oracle_wrong=900, oracle_cost=95.0), NGRAMS)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ([100, 100, 100], 80),
        ([100, 100, 98], 40),
        ([100, 98, 100], 20),
        ([98, 100, 100], 0),
        ([], 0),
    ],
)
def test_the_horizon_ends_before_the_first_rung_that_fails(right, expected):
    rungs = [rung({"length": size}, r) for size, r in zip((20, 40, 80), right, strict=False)]
    assert horizon(rungs, COPY, "length") == expected


def test_each_ladder_takes_its_own_rungs_in_order():
    spec = tasks.spec("repeat_copy")
    rungs = [rung(dict(sizes), 100) for sizes in reversed(spec.rungs)]
    result = Result.model_validate({**RESULT, "task": spec.env_id, "rungs": [r.model_dump() for r in rungs]})
    assert [r.sizes["length"] for r in ladder(result, spec, "length")] == [10, 20, 40, 80, 100]
    assert [r.sizes["repeats"] for r in ladder(result, spec, "repeats")] == [10, 11, 12, 15, 20, 40, 100]


def test_the_two_sample_tests_are_scipys():
    rng = np.random.default_rng(0)
    for _ in range(50):
        n, m = rng.integers(1, 600, 2)
        a, b = rng.integers(0, n + 1), rng.integers(0, m + 1)
        theirs = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
        assert fisher(int(a), int(n), int(b), int(m)) == pytest.approx(theirs, rel=1e-6, abs=1e-12)
        pooled = (
            stats.chi2_contingency([[a, n - a], [b, m - b]], correction=False) if 0 < a + b < n + m else None
        )
        if pooled is not None:
            assert two_shares(a / n, b / m, n, m) == pytest.approx(pooled.pvalue, rel=1e-6)
    assert two_shares(0, 0, 5, 5) == 1
