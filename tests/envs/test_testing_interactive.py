"""`check_task` reports each fault of an interactive task."""

from dataclasses import dataclass

import numpy as np
import pytest

from ntm_envs import tasks
from ntm_envs.tasks.interactive.tape_copy import TapeCopy
from ntm_envs.testing import TaskError, check_task


@dataclass(frozen=True, kw_only=True)
class Broken(TapeCopy):
    """A tape task with one fault."""

    fault: str = ""

    def begin(self, keys, sizes):
        state = super().begin(keys, sizes)
        if self.fault == "batch":
            state["tape"] = np.roll(state["tape"], 1, axis=0)
        if self.fault == "last of batch":
            state["tape"][-1] = len(keys) % self.base
        if self.fault == "impure":
            state["tape"] = IMPURE.integers(self.base, size=state["tape"].shape, dtype=np.uint8)
        return state

    def observe(self, state):
        observations = super().observe(state)
        if self.fault == "observation":
            observations[:, 1] *= 2
        if self.fault == "nan":
            observations[:, 1] = np.nan
        return observations

    def act(self, state, answers):
        if self.fault == "slow":
            answers = answers * np.array([1, 0, 1], np.uint8)  # never writes
        rewards, over = super().act(state, answers)
        if self.fault == "endless":
            over = np.zeros_like(over)
        if self.fault == "slow":  # all episodes last as long as the longest may
            over = state["step"] >= self.steps(**SIZES)
            rewards = np.where(over, -1.0, 0.0)
        if self.fault == "nan reward":
            rewards[over] = np.nan
        if self.fault == "returns":
            rewards = 2 * rewards
        return rewards, over

    def asks(self, state):
        return state["step"] > 0 if self.fault == "asks" else super().asks(state)

    def expert(self, state):
        right = np.array([1, 1, 0], np.uint8) + 0 * state["tape"][:, :1]
        right[:, 2] = state["output"][
            np.arange(len(right)), np.minimum(state["written"], state["length"] - 1)
        ]
        return (right + (self.fault == "expert") * np.array([0, 0, 1], np.uint8)) % (2, 2, self.base)

    @property
    def output_channels(self):
        return super().output_channels[: 2 if self.fault == "channels" else 3]

    @property
    def constant_output(self):
        if self.fault == "constant shape":
            return np.zeros(2, np.uint8)
        if self.fault == "constant class":
            return np.array([1, 1, 5], np.uint8)
        return super().constant_output


IMPURE = np.random.default_rng(0)
SIZES = {"length": (1, 5)}


@pytest.mark.parametrize(("task", "sizes"), [("tape_copy", SIZES), ("tape_reverse", {"length": 3})])
def test_check_task_accepts_sound_tasks(task, sizes):
    check_task(tasks.get(task), sizes)
    check_task(Broken(), SIZES)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("batch", "the episode of key 0 depends on the other episodes of the batch"),
        ("impure", "two calls with the same keys and answers gave different episodes"),
        ("endless", "an episode is not over after max_steps"),
        ("returns", r"returns are from -1\.0 to .* return_bounds do not permit"),
        ("observation", "the input channel 'symbol 1' holds 2.0 at step .* input_bounds permit 0.0 to 1.0"),
        ("asks", "an answer has an effect at step 0, where the task does not ask for one"),
        ("expert", r"the expert has a mean return of -0\.500; expected at least the constant output's"),
        ("constant shape", r"constant_output is \[0 0\]; expected 3 symbols"),
        ("constant class", r"constant_output is \[1 1 5\]; expected 3 symbols of Symbols\(\(2, 2, 5\)\)"),
    ],
)
def test_check_task_names_each_violation(fault, message):
    with pytest.raises(TaskError, match=f"Broken: .*{message}"):
        check_task(Broken(fault=fault), SIZES)


# A check would miss these if it compared only the first episode, used one time limit for all episodes, or
# took NaN for padding.
@pytest.mark.parametrize("fault", ["last of batch", "slow", "channels", "nan", "nan reward"])
def test_check_task_finds_subtler_violations_too(fault):
    with pytest.raises(TaskError):
        check_task(Broken(fault=fault), SIZES)
