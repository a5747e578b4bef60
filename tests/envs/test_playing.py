"""Playing step by step and over whole sequences: the same counts, and the same errors."""

from dataclasses import dataclass

import numpy as np
import pytest
from leaky import Leaky

from ntm_envs import capacity, playing, tasks
from ntm_envs.answers import Symbols
from ntm_envs.tasks import SequenceTask, Solver

WAYS = pytest.mark.parametrize("whole", [False, True], ids=["stepped", "whole"])
SIZES = {"length": 7}
KEYS = np.arange(60)


@dataclass(frozen=True, kw_only=True)
class Countdown(SequenceTask):
    """The input is a number from 1 to `length`; the targets alternate between 0 and 1 for as many steps."""

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
        def answer(seen):
            return np.arange(round(float(seen[-1, 0]) * length))[:, None] % 2

        return Solver(self.answers, asks=lambda seen: seen[:, 0] > 0, answer=answer)


class LeakyOnSequences(Leaky):
    """The same agent, which also processes whole sequences, with outputs in float32 like those of models."""

    def act_on_sequences(self, inputs):
        return np.stack([super(LeakyOnSequences, self).act(seen) for seen in inputs]).astype(np.float32)

    def act(self, observations):
        return super().act(observations).astype(np.float32)


def play(agent, task, whole, keys=KEYS, sizes=SIZES):
    bound = capacity(task.steps(**sizes))
    return playing.play(agent, task, sizes, keys, capacity=bound, whole=whole)


@WAYS
def test_a_solver_ignores_requests_while_it_outputs_an_answer(whole):
    """So a task may request each part of an answer, and the oracle computes the answer only once."""
    lengths = []

    def answer(seen):
        lengths.append(len(seen))
        return np.ones((3, 1))

    solver, observed = (
        Solver(Symbols((2,)), lambda now: now[:, 0] == 1, answer, at_once=True),
        np.ones((7, 2, 1)),
    )
    observed[0, 1] = 0
    solver.begin(2, capacity=8, seed=0)
    outputs = solver.act_on_sequences(observed) if whole else np.stack([solver.act(now) for now in observed])
    assert sorted(lengths) == [1, 2, 4, 5, 7]
    assert outputs[:, :, 0].sum(axis=0).tolist() == [7, 6]


@pytest.mark.parametrize("make", [Leaky, LeakyOnSequences])
@pytest.mark.parametrize("task", [tasks.get("stack_manipulation"), Countdown()], ids=["stack", "countdown"])
def test_both_ways_give_the_same_counts_if_episodes_end_at_different_steps(task, make):
    """Rows that are over earlier continue with further episodes; in Countdown these are long and scored."""
    assert task.keyed_steps
    assert len(set(task.episodes(KEYS, **SIZES).steps)) > 3
    stepped, whole = (play(make(task), task, way) for way in (False, True))
    assert stepped.wrong.any()
    np.testing.assert_array_equal(stepped.wrong, whole.wrong)
    np.testing.assert_array_equal(stepped.symbols, whole.symbols)
    np.testing.assert_allclose(stepped.returns, whole.returns, rtol=0, atol=1e-12)
    np.testing.assert_allclose(stepped.costs, whole.costs, rtol=1e-9)


@WAYS
def test_counts_equal_those_of_a_loop_over_answers(whole):
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
def test_counts_of_an_episode_do_not_depend_on_the_rest_of_the_batch(whole):
    task = tasks.get("stack_manipulation")
    together = play(Leaky(task), task, whole)
    for b in (0, 13, 59):
        alone = play(Leaky(task), task, whole, KEYS[b : b + 1])
        assert (alone.wrong[0], alone.symbols[0]) == (together.wrong[b], together.symbols[b])
        assert alone.returns[0] == pytest.approx(together.returns[b], abs=1e-12)
        assert alone.costs[0] == pytest.approx(together.costs[b], rel=1e-9)


class Parities:
    """An agent whose answers lack the axis of symbols, as in Gymnasium's Discrete."""

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
    """An agent with invalid outputs."""

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
def test_invalid_outputs_are_refused_by_name(change, whole):
    task = tasks.get("stack_manipulation")
    function, message = CHANGES[change]
    with pytest.raises(ValueError, match=message):
        play(Faulty(task, function), task, whole)


ROWS = {
    "a row too many": lambda out: np.concatenate([out, out[:1]]),
    "a row too few": lambda out: out[:-1],
}


@WAYS
@pytest.mark.parametrize("change", ROWS)
def test_a_wrong_number_of_rows_is_refused_by_name(change, whole):
    task = tasks.get("stack_manipulation")
    with pytest.raises(ValueError, match="shape"):
        play(Faulty(task, ROWS[change]), task, whole)


class Short(LeakyOnSequences):
    def act_on_sequences(self, inputs):
        return super().act_on_sequences(inputs[:-1])


def test_a_wrong_number_of_steps_is_refused_by_name():
    task = tasks.get("stack_manipulation")
    with pytest.raises(ValueError, match="shape"):
        play(Short(task), task, True)


class Late(Leaky):
    """An agent whose outputs are valid at scored steps only."""

    def act(self, observations):
        return np.where(observations[:, -1:] == 1, super().act(observations), 7)


@WAYS
def test_invalid_outputs_are_refused_at_unscored_steps_too(whole):
    task = tasks.get("stack_manipulation")
    with pytest.raises(ValueError, match="has 7"):
        play(Late(task), task, whole)


@WAYS
def test_an_oracle_is_perfect_while_rows_that_are_over_continue(whole):
    played = play(Countdown().solver(15), Countdown(), whole, np.arange(20), {"length": 15})
    assert not played.wrong.any()
    np.testing.assert_allclose(played.returns, 1)
