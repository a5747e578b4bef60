"""Roll-outs: an agent plays the episodes of given keys, and its errors are counted.

There are two ways, which give the same counts. Any agent can be stepped through the environment. An agent
that is trusted not to look ahead may process the inputs of a sequence task all at once, which is faster.

Shape letters: B episodes, T time steps, I input channels, O symbols and L probabilities per answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent, SequenceAgent
from ntm_envs.tasks import Batch, InteractiveTask, SequenceTask, Task
from ntm_envs.tasks.sizes import Integers
from ntm_envs.vector_env import SequenceVectorEnv


@dataclass(frozen=True)
class Played:
    """The results of B episodes.

    Attributes:
        wrong: Number of wrong symbols ``[B]``.
        symbols: Number of scored symbols ``[B]``.
        returns: Returns ``[B]``.
        costs: Costs in bits ``[B]``; None if the agent does not output probabilities, or the task has no
            targets.
        metrics: Further metrics of the task by name, ``[B]`` each.
    """

    wrong: Integers
    symbols: Integers
    returns: NDArray[np.float64]
    costs: NDArray[np.float64] | None
    metrics: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def play(
    agent: Agent,
    task: Task,
    sizes: Mapping[str, int],
    keys: NDArray[np.int64],
    *,
    capacity: int,
    seed: int = 0,
    whole: bool = False,
) -> Played:
    """Play one batch of episodes.

    Args:
        agent: The agent.
        task: The task.
        sizes: Sizes of the episodes, the same for all of them.
        keys: Keys of the episodes ``[B]``.
        capacity: Upper bound of the number of steps that the agent receives (:func:`ntm_envs.capacity`).
        seed: Seed of the agent's own randomness.
        whole: If True, the agent may process all inputs of a sequence task at once.

    Raises:
        ValueError: If the agent's outputs have the wrong shape or values.
    """
    if isinstance(task, SequenceTask):
        if whole:
            return play_batch(agent, task, task.episodes(keys, **sizes), capacity=capacity, seed=seed)
        batch = task.episodes(keys if task.keyed_steps or task.metrics else keys[:1], **sizes)
        symbols = np.broadcast_to(_symbols(task, batch), len(keys))
    else:
        assert isinstance(task, InteractiveTask)
        batch = None
        symbols = task.count_symbols({name: np.full(len(keys), size) for name, size in sizes.items()})
    return _stepped(agent, task, sizes, keys, capacity, seed, symbols, batch)


def play_batch(agent: Agent, task: SequenceTask, batch: Batch, *, capacity: int, seed: int = 0) -> Played:
    """Play the episodes of a batch; the agent may process all inputs at once. See :func:`play`."""
    agent.begin(len(batch.keys), capacity, seed)
    return _graded(_outputs(agent, batch), agent, task, batch)


def _symbols(task: SequenceTask, batch: Batch) -> Integers:
    """Return the number of scored symbols of each episode ``[B]``."""
    answers: Integers = batch.mask.sum(axis=0)
    return answers * task.answers.width


def _outputs(agent: Agent, batch: Batch) -> NDArray[Any]:
    """Return the agent's actions ``[T, B, ...]`` for the inputs of a batch."""
    if isinstance(agent, SequenceAgent):
        return agent.act_on_sequences(batch.inputs)
    return np.stack([agent.act(inputs) for inputs in batch.inputs])


def _graded(outputs: NDArray[Any], agent: Agent, task: SequenceTask, batch: Batch) -> Played:
    """Grade the actions of an agent: answers ``[T, B, O]`` or probabilities ``[T, B, L]``."""
    answers, (T, B) = task.answers, batch.mask.shape
    if np.shape(outputs)[:2] != (T, B):
        raise ValueError(f"the actions have the shape {np.shape(outputs)}; expected to start with {(T, B)}")
    inside = np.arange(T)[:, None] < batch.steps  # without padding
    scored = batch.mask[inside]
    row, targets, actions = inside.nonzero()[1][scored], batch.targets[batch.mask], outputs[inside]
    costs: NDArray[Any] | None = None
    # Like the environment, check the actions of all steps, also of those that are not scored.
    if agent.outputs == "probabilities":
        probabilities = answers.check_probabilities(actions, (len(actions),))[scored]
        costs = np.bincount(row, answers.cost_in_bits(probabilities, targets), B)
        chosen = answers.decode(probabilities)
    else:
        chosen = answers.check(actions, (len(actions),))[scored]
    wrong, credit = answers.grade(answers.pack(chosen), answers.pack(targets))
    returns = np.bincount(row, credit, B) / answers.max_credit(batch.mask.sum(axis=0))
    right = np.zeros((T, B), np.bool_)
    right[inside & batch.mask] = wrong == 0
    metrics = task.measure(batch, right)
    return Played(np.bincount(row, wrong, B).astype(np.int64), _symbols(task, batch), returns, costs, metrics)


def _stepped(
    agent: Agent,
    task: Task,
    sizes: Mapping[str, int],
    keys: NDArray[np.int64],
    capacity: int,
    seed: int,
    symbols: Integers,
    batch: Batch | None,
) -> Played:
    """Step the agent through a vector environment, until the episodes of all rows are over.

    The batch is that of the episodes, if the task has further metrics.
    """
    arguments: dict[str, Any] = {"actions": agent.outputs, **sizes}
    env = SequenceVectorEnv(task, len(keys), **arguments)
    observations, _ = env.reset(seed=0, options={"key": keys})
    agent.begin(len(keys), capacity, seed)
    playing, returns = np.ones(len(keys), np.bool_), np.zeros(len(keys))
    totals: dict[str, NDArray[Any]] = {}
    shares = []  # the reward of each step
    while playing.any():
        inputs = np.where(playing[:, None], observations, 0)  # like the padding of a batch
        observations, rewards, over, _, info = env.step(agent.act(inputs))
        shares.append(np.where(playing, rewards, 0))
        returns += shares[-1]
        ending = over & playing  # rows that ended earlier play further episodes, which do not count
        for name in ("wrong_symbols", "cost_in_bits") if ending.any() else ():
            if name in info:
                totals.setdefault(name, np.zeros(len(keys), info[name].dtype))[ending] = info[name][ending]
        playing &= ~over
    metrics: Mapping[str, NDArray[np.float64]] = {}
    if batch is not None and isinstance(task, SequenceTask) and task.metrics:
        credit = np.stack(shares) * task.answers.max_credit(batch.mask.sum(axis=0))
        metrics = task.measure(batch, credit > task.answers.width - 0.5)  # a wrong symbol loses at least 1
    return Played(totals["wrong_symbols"], symbols, returns, totals.get("cost_in_bits"), metrics)
