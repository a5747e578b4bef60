"""The outputs of a run's model on given sequences, for experiments that look closer than a result does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ntm_agents import ModelAgent, load_run
from ntm_envs import capacity, keyed
from ntm_envs.tasks import Batch, SequenceTask, Task

AT_A_TIME = 64
"""Sequences that go through a model side by side."""


def sequence_task(task: Task) -> SequenceTask:
    """Return a task whose sequences do not depend on actions.

    Raises:
        TypeError: If they do.
    """
    if not isinstance(task, SequenceTask):
        raise TypeError(f"{type(task).__name__} is an interactive task; expected one with whole sequences")
    return task


def episodes(task: Task, sizes: Mapping[str, int], count: int) -> Batch:
    """Return the first sequences of a fixed list, the same ones at each call."""
    keys = keyed.stream_keys(np.zeros(count, np.int64), np.arange(count))
    return sequence_task(task).episodes(keys, **sizes)


def probabilities(run: Path, batch: Batch) -> NDArray[np.float64]:
    """Return the predictions of a run's model for sequences, ``[T, B, O]``."""
    model, settings = load_run(run)
    agent, parts = ModelAgent(model, settings.task_spec().make().answers), []
    for first in range(0, len(batch.keys), AT_A_TIME):
        inputs = batch.inputs[:, first : first + AT_A_TIME]
        agent.begin(inputs.shape[1], capacity(len(inputs)), seed=0)
        parts.append(agent.act_on_sequences(inputs).astype(np.float64))
    return np.concatenate(parts, 1)
