"""Custom tasks: registered from a file, and evaluated with or without an oracle or a reference."""

from dataclasses import dataclass, replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from leaky import Leaky

from ntm_envs import keyed, tasks
from ntm_envs.answers import Symbols
from ntm_envs.tasks import SequenceTask, TaskSpec
from ntm_envs.testing import check_task

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@dataclass(frozen=True, kw_only=True)
class Weather(SequenceTask):
    """Two symbols of seven classes per step are to be output; the second is observed with noise.

    With a probability of 1/4, the input shows another class than the target, so no agent can be perfect.
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
    """An agent that is certain of the first symbol, and as certain of the second as the noise permits."""

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


def test_a_custom_task_without_an_oracle_is_evaluated_against_its_reference():
    entrants = pytest.importorskip("ntm_leaderboard.harness.entrants")
    from ntm_leaderboard.harness.ladder import play_ladder, rungs_of

    task = ROW.make()
    check_task(task, ROW.training)
    references = entrants.references(task)
    assert set(references) == {"constant", "uniform", "reference"}
    reported = []
    rungs = play_ladder(
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
        # The first symbol is always correct, the second with a probability of 3/4.
        expected = (1 + 0.75 - 0.25 / 6) / 2
        error = np.sqrt(0.75 * 0.25 / (64 * days)) * (1 + 1 / 6) / 2
        assert abs(best - expected) < 4 * error
        cost = days * -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25 / 6))
        assert rung.references["reference"].cost_in_bits == pytest.approx(cost, rel=0.2)
        assert best > rung.references["constant"].mean_return
        assert rung.references["uniform"].mean_return == pytest.approx(0, abs=4 / np.sqrt(2 * 64 * days))
        assert rung.score.mean_return < best


def test_a_custom_task_with_neither_is_compared_with_a_perfect_episode():
    entrants = pytest.importorskip("ntm_leaderboard.harness.entrants")
    from ntm_leaderboard.harness.ladder import play_ladder, rungs_of

    class Alone(Weather):
        def reference(self):
            return None

    row = replace(ROW, task=Alone)
    references = entrants.references(row.make())
    assert set(references) == {"constant", "uniform"}
    (rung,) = play_ladder(
        Forecaster(), row, "ab" * 32, references=references, rungs=rungs_of(row, up_to=10), whole=True
    )
    assert rung.best == ("perfect", 1.0)


def test_a_custom_task_registers_in_a_few_lines(tmp_path):
    path = tmp_path / "reverse.py"
    path.write_text(
        '''
from dataclasses import dataclass

from ntm_envs.tasks import Solver, TaskSpec
from ntm_envs.tasks.classic.copy import Copy


@dataclass(frozen=True, kw_only=True)
class Reverse(Copy):
    """The agent outputs the sequence in reverse order."""

    def fill(self, batch):
        super().fill(batch)
        for b, length in enumerate(batch.sizes["length"]):
            batch.targets[length + 1 : 2 * length + 1, b] = batch.inputs[:length, b, :-1][::-1]

    def oracle(self):
        return Solver(self.answers, lambda now: now[:, -1] == 1, lambda inputs: inputs[-2::-1, : self.bits])


REVERSE = TaskSpec(
    name="backwards",
    env_id="mine/Backwards-v0",
    task=Reverse,
    training={"length": (1, 20)},
    ladders={"length": ({"length": 20}, {"length": 40})},
)
''',
        encoding="utf-8",
    )
    row = tasks.spec(f"{path}:REVERSE")
    check_task(row.make(), row.training)
    env = gym.make("mine/Backwards-v0", length=3, reveal_target=True)
    env.reset(seed=0)
    with pytest.raises(TypeError, match="expected a TaskSpec"):
        tasks.spec(f"{path}:Reverse")


@pytest.mark.parametrize("name", ["copy_series", "copy_of_six_bits"])
def test_tasks_of_the_benchmarks_are_well_formed(name):
    row = tasks.spec(f"{BENCHMARKS}/{name}.py:ROW")
    check_task(
        row.make(), {"length": (1, 4), **({"sequences": (1, 3)} if "sequences" in row.training else {})}
    )


def test_a_series_of_copies_is_copies_one_after_the_other():
    task = tasks.spec(f"{BENCHMARKS}/copy_series.py:ROW").make(bits=8)
    batch = task.episodes([3], length=2, sequences=3)
    parts = batch.inputs[:, 0].reshape(3, 5, 9), batch.targets[:, 0].reshape(3, 5, 8)
    for inputs, targets in zip(*parts, strict=True):
        assert inputs[:, 8].tolist() == [0, 0, 1, 0, 0]
        assert (targets[3:] == inputs[:2, :8]).all()
    assert batch.mask[:, 0].tolist() == 3 * [False, False, False, True, True]
    assert len(np.unique(parts[0], axis=0)) == 3
