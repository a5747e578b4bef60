"""`check_task` reports each fault of a sequence task."""

from dataclasses import dataclass

import numpy as np
import pytest

from ntm_envs.tasks import Solver
from ntm_envs.tasks.classic.copy import Copy
from ntm_envs.testing import TaskError, check_task

IMPURE = np.random.default_rng(0)


@dataclass(frozen=True, kw_only=True)
class Broken(Copy):
    fault: str = ""

    def fill(self, batch):
        super().fill(batch)
        if self.fault == "values":
            batch.inputs[0, :, 0] = 7
        if self.fault == "nan":
            batch.inputs[0, :, 0] = np.nan
        if self.fault == "targets":
            batch.targets[-1, :, 0] = 2
        if self.fault == "off":
            batch.targets[0, :, 0] = 1
        if self.fault == "silent":
            batch.mask[:] = False
            batch.targets[:] = 0
        if self.fault == "impure":
            batch.inputs[0, :, :8] = IMPURE.integers(2, size=(len(batch.keys), 8))
        if self.fault == "neighbours":
            batch.inputs[0, :, 0] = batch.inputs[0, 0, 0] * (len(batch.keys) > 1)
        if self.fault == "constant":
            batch.inputs[:, :, :8] = 0
            batch.targets[:] = 0
        if self.fault == "padding":
            batch.inputs[-1] = 1
        if self.fault == "biased":
            batch.targets[:, :, 0] = batch.mask

    def max_steps(self, sizes):
        return super().max_steps(sizes) + (self.fault == "steps") * (sizes["length"] == 1)

    def oracle(self):
        if self.fault == "oracle":
            return Solver(self.answers, lambda seen: seen[:, -1] == 9, lambda seen: seen)
        return super().oracle()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("values", "'data 0' holds 7.0"),
        ("nan", "some inputs are not finite"),
        ("targets", "targets are from 0 to 2"),
        ("off", "some targets are not 0 where the mask is false"),
        ("silent", "has no scored step"),
        ("impure", "two calls with the same keys gave different episodes"),
        ("neighbours", "depend on the other episodes"),
        ("padding", "the padding after the last step of a shorter episode is not zero"),
        ("biased", r"constant_output\[0\] is 0"),
    ],
)
def test_check_task_names_each_violation(fault, message):
    with pytest.raises(TaskError, match=message):
        check_task(Broken(fault=fault), {"length": (1, 5)})


def test_check_task_accepts_a_sound_task():
    check_task(Broken(), {"length": (1, 5)})
