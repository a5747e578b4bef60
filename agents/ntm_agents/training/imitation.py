"""Episodes of interactive tasks as batches to learn from: an agent plays them, an expert names the targets.

If answers are in part the agent's own, it learns what to do in the states that its own errors lead to, as in
DAgger (Ross, Gordon and Bagnell, *A Reduction of Imitation Learning and Structured Prediction to No-Regret
Online Learning*, AISTATS 2011).

Shape letters: B episodes, T time steps, I input channels, O symbols per answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ntm_envs import capacity, keyed
from ntm_envs.agent import Agent
from ntm_envs.tasks import Batch, InteractiveTask, Size


def has_expert(task: InteractiveTask) -> bool:
    """Return whether an interactive task has an expert."""
    return type(task).expert is not InteractiveTask.expert


def roll_out(
    task: InteractiveTask, keys: keyed.Keys, sizes: Mapping[str, Size], agent: Agent, own: float
) -> tuple[Batch, NDArray[np.bool_]]:
    """Play episodes, and return them with the answers of the expert in each state as targets.

    Args:
        task: A task with an expert.
        keys: The keys of the episodes ``[B]``.
        sizes: Their sizes.
        agent: An agent whose actions are probabilities; it plays only if `own` is above 0.
        own: Probability that an answer is the agent's own, in place of the expert's. It is drawn by key.

    Returns:
        The episodes, and bools ``[B]`` that are true where no symbol is wrong or missing at the end.
    """
    drawn = task.draw_sizes(keys, task.check_sizes(sizes, len(keys)))
    B, T, answers = len(keys), int(task.max_steps(drawn).max(initial=0)), task.answers
    words = keyed.words(keyed.stream_keys(keys, np.zeros(B, np.int64)), keyed.DATA, T)
    is_own = (words >> np.uint64(11)) * 2.0**-53 < own
    inputs = np.zeros((B, T, task.input_size), np.float32).transpose(1, 0, 2)
    targets = np.zeros((B, T, answers.width), answers.dtype).transpose(1, 0, 2)
    mask = np.zeros((B, T), np.bool_).T
    steps, playing, right = np.zeros(B, np.int64), np.ones(B, np.bool_), np.zeros(B, np.bool_)
    state = task.begin(keys, drawn)
    if own:
        agent.begin(B, capacity(T), seed=0)
    for step in range(T):
        inputs[step] = np.where(playing[:, None], task.observe(state), 0)  # zeros after the end
        # An expert has an answer to every state; an episode that is over has none to learn.
        targets[step] = np.where(playing[:, None], cast("NDArray[np.uint8]", task.expert(state)), 0)
        mask[step] = playing & task.asks(state)
        chosen = targets[step]
        if own:
            chosen = np.where(is_own[:, step, None], answers.decode(agent.act(inputs[step])), chosen)
        _, over = task.act(state, chosen)
        steps += playing
        right |= playing & over & (task.count_wrong(state) == 0)
        playing &= ~over
        if not playing.any():
            break
    batch = Batch(keys=keys, sizes=drawn, steps=steps, inputs=inputs, targets=targets, mask=mask)
    return batch.rows(slice(None)), right
