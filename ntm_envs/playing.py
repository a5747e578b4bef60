"""Plays episodes of given keys with an agent, and counts what comes of it.

There are two ways, with the same counts. Through the environment, step by step, everybody can play. Agents
whose code is trusted not to look ahead may take the inputs of a sequence task all at once.

Shape letters: B episodes, T time steps, O symbols and L probabilities of an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent, SequenceAgent
from ntm_envs.tasks import Batch, InteractiveTask, SequenceTask, Task
from ntm_envs.tasks.sizes import Integers
from ntm_envs.vector_env import SequenceVectorEnv


@dataclass(frozen=True)
class Played:
    """What came of episodes.

    Attributes:
        wrong: The number of wrong symbols of each ``[B]``.
        symbols: The number of scored symbols of each ``[B]``.
        returns: The return of each ``[B]``.
        costs: The cost of each in bits ``[B]``; None if the agent does not output probabilities, or there are
            no targets.
    """

    wrong: Integers
    symbols: Integers
    returns: NDArray[np.float64]
    costs: NDArray[np.float64] | None


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
    """Play episodes side by side.

    Args:
        agent: The agent.
        task: The task.
        sizes: The size of the episodes.
        keys: The keys of the episodes ``[B]``.
        capacity: The step bound that the agent is told.
        seed: Seed of the agent's own randomness.
        whole: Whether the agent may take all inputs of a sequence task at once.

    Raises:
        ValueError: If the agent's outputs have the wrong shape or values.
    """
    if isinstance(task, SequenceTask):
        if whole:
            return play_batch(agent, task, task.episodes(keys, **sizes), capacity=capacity, seed=seed)
        batch = task.episodes(keys if task.keyed_steps else keys[:1], **sizes)
        symbols = np.broadcast_to(_symbols(task, batch), len(keys))
    else:
        assert isinstance(task, InteractiveTask)
        symbols = task.count_symbols({name: np.full(len(keys), size) for name, size in sizes.items()})
    return _stepped(agent, task, sizes, keys, capacity, seed, symbols)


def play_batch(agent: Agent, task: SequenceTask, batch: Batch, *, capacity: int, seed: int = 0) -> Played:
    """Play the episodes of a batch, whose inputs the agent may take all at once; see :func:`play`."""
    agent.begin(len(batch.keys), capacity, seed)
    return _graded(_outputs(agent, batch), agent, task, batch)


def _symbols(task: SequenceTask, batch: Batch) -> Integers:
    """Return the number of scored symbols of each episode ``[B]``."""
    answers: Integers = batch.mask.sum(axis=0)
    return answers * task.answers.width


def _outputs(agent: Agent, batch: Batch) -> NDArray[Any]:
    if isinstance(agent, SequenceAgent):
        return agent.act_on_sequences(batch.inputs)
    return np.stack([agent.act(inputs) for inputs in batch.inputs])


def _graded(outputs: NDArray[Any], agent: Agent, task: SequenceTask, batch: Batch) -> Played:
    """Grade outputs ``[T, B, O]`` or ``[T, B, L]``."""
    answers, (T, B) = task.answers, batch.mask.shape
    if np.shape(outputs)[:2] != (T, B):
        raise ValueError(f"the actions have the shape {np.shape(outputs)}; expected {(T, B)} in front")
    there = np.arange(T)[:, None] < batch.steps
    answered = batch.mask[there]  # of the steps that there are, as the environment checks all of them
    row, targets, given = there.nonzero()[1][answered], batch.targets[batch.mask], outputs[there]
    costs: NDArray[Any] | None = None
    if agent.outputs == "probabilities":
        probabilities = answers.check_probabilities(given, (len(given),))[answered]
        costs = np.bincount(row, answers.cost_in_bits(probabilities, targets), B)
        chosen = answers.decode(probabilities)
    else:
        chosen = answers.check(given, (len(given),))[answered]
    wrong, credit = answers.grade(answers.pack(chosen), answers.pack(targets))
    returns = np.bincount(row, credit, B) / answers.worth(batch.mask.sum(axis=0))
    return Played(np.bincount(row, wrong, B).astype(np.int64), _symbols(task, batch), returns, costs)


def _stepped(
    agent: Agent,
    task: Task,
    sizes: Mapping[str, int],
    keys: NDArray[np.int64],
    capacity: int,
    seed: int,
    symbols: Integers,
) -> Played:
    """Play through the environment. Episodes of one size may end at different steps."""
    arguments: dict[str, Any] = {"actions": agent.outputs, **sizes}
    env = SequenceVectorEnv(task, len(keys), **arguments)
    observations, _ = env.reset(seed=0, options={"key": keys})
    agent.begin(len(keys), capacity, seed)
    playing, returns = np.ones(len(keys), np.bool_), np.zeros(len(keys))
    totals: dict[str, NDArray[Any]] = {}
    while playing.any():
        seen = np.where(playing[:, None], observations, 0)  # as behind the end of a shorter sequence
        observations, rewards, over, _, info = env.step(agent.act(seen))
        returns += np.where(playing, rewards, 0)
        ending = over & playing  # what has ended before plays another episode, which does not count
        for name in ("wrong_symbols", "cost_in_bits") if ending.any() else ():
            if name in info:
                totals.setdefault(name, np.zeros(len(keys), info[name].dtype))[ending] = info[name][ending]
        playing &= ~over
    return Played(totals["wrong_symbols"], symbols, returns, totals.get("cost_in_bits"))
