"""Means of experiments: the outputs of a run on given sequences, and variants of a computation in turn."""

from itertools import groupby

import numpy as np
import pytest

from ntm_agents.pretrained import pretrained
from ntm_envs import tasks
from ntm_leaderboard.harness.outputs import AT_A_TIME, episodes, probabilities
from ntm_leaderboard.harness.timing import measure


def test_a_trained_machine_predicts_what_it_has_learnt_in_parts():
    task = tasks.spec("copy").make()
    batch = episodes(task, {"length": 3}, AT_A_TIME + 1)
    again = episodes(task, {"length": 3}, AT_A_TIME + 2)
    np.testing.assert_array_equal(batch.inputs, again.inputs[:, :-1])
    found = probabilities(pretrained("ntm", "copy"), batch)
    assert found.shape == batch.targets.shape
    np.testing.assert_array_equal(task.answers.decode(found)[batch.mask], batch.targets[batch.mask])


def test_an_interactive_task_has_no_whole_sequences():
    with pytest.raises(TypeError, match="is an interactive task"):
        episodes(tasks.spec("tape_copy").make(), {"length": 3}, 1)


def test_variants_are_measured_in_turn_after_a_first_call():
    called: list[str] = []
    times = measure({name: lambda name=name: called.append(name) for name in "ab"}, rounds=2)
    assert [name for name, _ in groupby(called)] == list("ababab")
    assert {name: called.count(name) - 1 for name in "ab"} == {name: len(of) for name, of in times.items()}
