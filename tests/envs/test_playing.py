"""Playing step by step and over whole sequences: the same counts, and the same complaints."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from ntm_envs import capacity, keyed, playing, tasks
from ntm_envs.answers import Symbols
from ntm_envs.tasks import SequenceTask, Solver, TaskSpec

WAYS = pytest.mark.parametrize("whole", [False, True], ids=["stepped", "whole"])
SIZES = {"length": 7}
KEYS = np.arange(60)


@dataclass(frozen=True, kw_only=True)
class Countdown(SequenceTask):
    """Shows a number from 1 to `length`, and then wants 0 and 1 in turn as often."""

    keyed_steps = True

    @property
    def input_channels(self):
        return ("number", "answer")

    @property
    def output_channels(self):
        return ("bit",)

    @property
    def answers(self):
        return Symbols((2,))

    @property
    def limits(self):
        return {"length": (1, 100)}

    def max_steps(self, sizes):
        return 1 + sizes["length"]

    def count_steps(self, keys, sizes):
        return 2 + keys % sizes["length"]

    def fill(self, batch):
        step = np.arange(len(batch.mask))[:, None]
        batch.inputs[0, :, 0] = (batch.steps - 1) / batch.sizes["length"]
        batch.mask[:] = (step > 0) & (step < batch.steps)
        batch.inputs[:, :, 1] = batch.mask
        batch.targets[:, :, 0] = batch.mask * ((step - 1) % 2)

    def solver(self, length):
        def answer(heard):
            return np.arange(round(float(heard[-1, 0]) * length))[:, None] % 2

        return Solver(self.answers, asks=lambda seen: seen[:, 0] > 0, answer=answer)


class Leaky:
    """Remembers a decaying sum of what it saw, and outputs a softmax of it; knows no task."""

    outputs = "probabilities"

    def __init__(self, task):
        random = np.random.default_rng(0)
        self._sizes = task.answers.sizes
        self._weights = 3 * random.standard_normal((task.input_size, task.answers.logits))

    def begin(self, num_envs, capacity, seed):
        self._sum = np.zeros((num_envs, len(self._weights)))

    def act(self, observations):
        self._sum = 0.6 * self._sum + observations
        ends = np.cumsum(self._sizes)[:-1]
        parts = [np.exp(part) for part in np.split(self._sum @ self._weights, ends, axis=1)]
        return np.concatenate([part / part.sum(axis=1, keepdims=True) for part in parts], axis=1)


class LeakyOnSequences(Leaky):
    """The same, all steps at once, in float32 as models have it."""

    def act_on_sequences(self, inputs):
        return np.stack([super(LeakyOnSequences, self).act(seen) for seen in inputs]).astype(np.float32)

    def act(self, observations):
        return super().act(observations).astype(np.float32)


def play(agent, task, whole, keys=KEYS, sizes=SIZES):
    bound = capacity(task.steps(**sizes))
    return playing.play(agent, task, sizes, keys, capacity=bound, whole=whole)


@pytest.mark.parametrize("make", [Leaky, LeakyOnSequences])
@pytest.mark.parametrize("task", [tasks.get("stack_manipulation"), Countdown()], ids=["stack", "countdown"])
def test_both_ways_give_the_same_counts_where_episodes_end_at_different_steps(task, make):
    """Rows that are over earlier play on in the environment: of Countdown whole episodes, with answers."""
    assert task.keyed_steps
    assert len(set(task.episodes(KEYS, **SIZES).steps)) > 3
    stepped, whole = (play(make(task), task, way) for way in (False, True))
    assert stepped.wrong.any()
    np.testing.assert_array_equal(stepped.wrong, whole.wrong)
    np.testing.assert_array_equal(stepped.symbols, whole.symbols)
    np.testing.assert_allclose(stepped.returns, whole.returns, rtol=0, atol=1e-12)
    np.testing.assert_allclose(stepped.costs, whole.costs, rtol=1e-9)


@WAYS
def test_counts_are_those_of_a_loop_over_answers(whole):
    task = tasks.get("stack_manipulation")
    batch, agent = task.episodes(KEYS, **SIZES), Leaky(task)
    agent.begin(len(KEYS), 0, 0)
    outputs = np.stack([agent.act(seen) for seen in batch.inputs])
    played = play(Leaky(task), task, whole)
    for b in range(len(KEYS)):
        wrong = cost = credit = count = 0
        for t in np.flatnonzero(batch.mask[:, b]):
            target = batch.targets[t, b, 0]
            right = outputs[t, b].argmax() == target
            wrong, credit, count = wrong + (not right), credit + (1 if right else -1 / 2), count + 1
            cost -= np.log2(min(max(outputs[t, b, target], 2**-20), 1 - 2**-20))
        assert (played.wrong[b], played.symbols[b]) == (wrong, count)
        assert played.returns[b] == pytest.approx(credit / count)
        assert played.costs[b] == pytest.approx(cost)


@WAYS
def test_an_episode_counts_the_same_whoever_is_played_beside_it(whole):
    task = tasks.get("stack_manipulation")
    together = play(Leaky(task), task, whole)
    for b in (0, 13, 59):
        alone = play(Leaky(task), task, whole, KEYS[b : b + 1])
        assert (alone.wrong[0], alone.symbols[0]) == (together.wrong[b], together.symbols[b])
        assert alone.returns[0] == pytest.approx(together.returns[b], abs=1e-12)
        assert alone.costs[0] == pytest.approx(together.costs[b], rel=1e-9)


class Parities:
    """Answers one symbol a row without the symbol's axis, as Gymnasium's Discrete has it."""

    outputs = "answers"

    def begin(self, num_envs, capacity, seed):
        self._ones = np.zeros(num_envs)

    def act(self, observations):
        self._ones += observations[:, 1]
        return self._ones % 2


@WAYS
def test_one_symbol_may_come_without_its_axis(whole):
    played = play(Parities(), tasks.get("parity"), whole)
    assert not played.wrong.any()
    assert played.costs is None


class Faulty(Leaky):
    """Outputs what nobody may."""

    def __init__(self, task, change):
        super().__init__(task)
        self._change = change

    def act(self, observations):
        return self._change(super().act(observations))


CHANGES = {
    "a class too many": (
        lambda out: np.concatenate([out, out[:, :1]], axis=1),
        r"shape \(\d+, 4\); expected",
    ),
    "an axis too many": (lambda out: out[..., None], r"shape \(\d+, 3, 1\); expected"),
    "an axis too few": (lambda out: out[:, 0], r"shape \(\d+,\); expected"),
    "a sum of 1.1": (lambda out: out + np.array([0.1, 0, 0]), r"sum to 1\.1|expected probabilities"),
    "nothing": (lambda out: 0 * out, r"probabilities of symbol 0 sum to 0\.0; expected 1"),
    "NaN": (lambda out: np.nan * out, "has nan; expected probabilities from 0 to 1"),
    "logits": (lambda out: out - 5, "has -.*; expected probabilities from 0 to 1"),
    "words": (lambda out: out.astype(str), "type <U.*; expected real numbers"),
}


@WAYS
@pytest.mark.parametrize("change", CHANGES)
def test_impossible_outputs_are_refused_by_name(change, whole):
    task = tasks.get("stack_manipulation")
    function, message = CHANGES[change]
    with pytest.raises(ValueError, match=message):
        play(Faulty(task, function), task, whole)


ROWS = {
    "a row too many": lambda out: np.concatenate([out, out[:1]]),
    "a row too few": lambda out: out[:-1],
}
STEPPED_OR = [
    pytest.param(False, id="stepped"),
    pytest.param(True, id="whole"),
]


@pytest.mark.parametrize("whole", STEPPED_OR)
@pytest.mark.parametrize("change", ROWS)
def test_another_number_of_rows_is_refused_by_name(change, whole):
    task = tasks.get("stack_manipulation")
    with pytest.raises(ValueError, match="shape"):
        play(Faulty(task, ROWS[change]), task, whole)


class Short(LeakyOnSequences):
    def act_on_sequences(self, inputs):
        return super().act_on_sequences(inputs[:-1])


def test_another_number_of_steps_is_refused_by_name():
    task = tasks.get("stack_manipulation")
    with pytest.raises(ValueError, match="shape"):
        play(Short(task), task, True)


class Late(Leaky):
    """Outputs nonsense until it is asked."""

    def act(self, observations):
        return np.where(observations[:, -1:] == 1, super().act(observations), 7)


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(False, id="stepped"),
        pytest.param(True, id="whole"),
    ],
)
def test_nonsense_off_the_answer_steps_is_refused_too(whole):
    task = tasks.get("stack_manipulation")
    with pytest.raises(ValueError, match="has 7"):
        play(Late(task), task, whole)


PLANS = [
    pytest.param(False, id="stepped"),
    pytest.param(True, id="whole"),
]


@pytest.mark.parametrize("whole", PLANS)
def test_an_oracle_may_plan_while_rows_that_are_over_play_on(whole):
    played = play(Countdown().solver(15), Countdown(), whole, np.arange(20), {"length": 15})
    assert not played.wrong.any()
    np.testing.assert_allclose(played.returns, 1)


@dataclass(frozen=True, kw_only=True)
class Weather(SequenceTask):
    """Of two days in turn, each one of seven kinds, say each: the second is seen through fog.

    One time in four fog shows another kind than the right one, so nobody can be sure, and there is no oracle.
    """

    @property
    def input_channels(self):
        return (*(f"first {i}" for i in range(7)), *(f"second {i}" for i in range(7)))

    @property
    def output_channels(self):
        return ("first", "second")

    @property
    def answers(self):
        return Symbols((7, 7))

    @property
    def limits(self):
        return {"days": (1, 1000)}

    def max_steps(self, sizes):
        return sizes["days"]

    def fill(self, batch):
        longest = len(batch.mask)
        words = keyed.words(batch.keys, keyed.DATA, 4 * longest).reshape(len(batch.keys), longest, 4)
        one, two, other = (keyed.below(words[:, :, i], bound).T for i, bound in enumerate((7, 7, 6)))
        fog = keyed.below(words[:, :, 3], 4).T == 0
        batch.mask[:] = np.arange(longest)[:, None] < batch.steps
        shown = np.where(fog, (two + 1 + other) % 7, two)
        classes = np.arange(7)
        there = batch.mask[:, :, None]
        batch.inputs[:, :, :7] = (one[:, :, None] == classes) & there
        batch.inputs[:, :, 7:] = (shown[:, :, None] == classes) & there
        batch.targets[:] = np.stack([one, two], axis=2) * there

    def reference(self):
        return Forecaster()


class Forecaster:
    """Is sure of the first day, and of the second as sure as the fog allows."""

    outputs = "probabilities"

    def begin(self, num_envs, capacity, seed):
        pass

    def act(self, observations):
        second = 0.75 * observations[:, 7:] + 0.25 / 6 * (1 - observations[:, 7:])
        return np.concatenate([observations[:, :7], second], axis=1)


ROW = TaskSpec(
    name="weather",
    env_id="mine/Weather-v0",
    task=Weather,
    training={"days": (1, 10)},
    ladders={"days": ({"days": 10}, {"days": 40})},
    metric="cost",
    sequences=64,
)


def test_a_foreign_task_without_an_oracle_is_evaluated_against_its_reference():
    contestants = pytest.importorskip("ntm_leaderboard.harness.entrants")
    from ntm_envs.testing import check_task
    from ntm_leaderboard.harness.ladder import evaluate, rungs_of

    task = ROW.make()
    check_task(task, ROW.training)
    references = contestants.references(task)
    assert set(references) == {"constant", "uniform", "reference"}
    reported = []
    rungs = evaluate(
        Leaky(task), ROW, "ab" * 32, references=references, rungs=rungs_of(ROW), report=reported.append
    )
    assert reported == rungs
    assert [rung.sizes for rung in rungs] == [{"days": 10}, {"days": 40}]
    for rung in rungs:
        days = rung.sizes["days"]
        assert (rung.sequences, rung.symbols) == (64, 64 * days * 2)
        name, best = rung.best
        assert name == "reference"
        assert best == rung.references["reference"].mean_return
        # The first symbol is always right; of the second, three of four.
        expected = (1 + 0.75 - 0.25 / 6) / 2
        error = np.sqrt(0.75 * 0.25 / (64 * days)) * (1 + 1 / 6) / 2
        assert abs(best - expected) < 4 * error
        cost = days * -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25 / 6))
        assert rung.references["reference"].cost_in_bits == pytest.approx(cost, rel=0.2)
        assert best > rung.references["constant"].mean_return
        assert rung.references["uniform"].mean_return == pytest.approx(0, abs=4 / np.sqrt(2 * 64 * days))
        assert rung.score.mean_return < best


def test_a_foreign_task_with_neither_is_compared_with_a_perfect_episode():
    contestants = pytest.importorskip("ntm_leaderboard.harness.entrants")
    from ntm_leaderboard.harness.ladder import evaluate, rungs_of

    class Alone(Weather):
        def reference(self):
            return None

    row = replace(ROW, task=Alone)
    references = contestants.references(row.make())
    assert set(references) == {"constant", "uniform"}
    (rung,) = evaluate(
        Forecaster(), row, "ab" * 32, references=references, rungs=rungs_of(row, up_to=10), whole=True
    )
    assert rung.best == ("perfect", 1.0)
