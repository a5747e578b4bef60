"""The probe of a model: its score before training, and sketches of its outputs and weights.

A model that is right before training has learnt nothing, whoever wrote its constructor. A sketch is a short
summary of many numbers that preserves distances between them (Charikar, Chen and Farach-Colton, *Finding
frequent items in data streams*, ICALP 2002): each number is added, with a random sign, to one of a few sums.
Sketches of different trainings are far apart, and those of a copy are close
(:mod:`ntm_leaderboard.board.copies`).

Shape letters: B sequences, T time steps, I input channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ntm_envs import capacity, keyed
from ntm_envs.agent import Agent
from ntm_envs.answers.base import CLIP
from ntm_envs.tasks import Task, TaskSpec
from ntm_leaderboard.harness.ladder import play_ladder
from ntm_leaderboard.results import NO_NONCE, SKETCH, Probe

UNTRAINED_SEQUENCES = 64
"""Sequences that the untrained model plays."""
B, T = 32, 8
"""Number and length of the common inputs. They are short, as small differences of weights grow with time."""
AT_ONCE = 2**20
"""Largest number of values that are sketched at a time."""


def probe(
    agent: Agent,
    untrained: Callable[[], Agent],
    weights: Mapping[str, Tensor],
    spec: TaskSpec,
    commitment: str,
    *,
    references: Mapping[str, Agent],
    whole: bool = False,
    nonce: str = NO_NONCE,
) -> Probe:
    """Return the probe of a trained model.

    Args:
        agent: The model.
        untrained: A function that returns the model with its initial weights; `agent` is not used after it.
        weights: The weights of the model, by name.
        spec: The task.
        commitment: See :func:`play_ladder`, also for the other arguments.
        references: The agents that define the scale of scores.
        whole: Whether the agent may take whole sequences.
        nonce: Zeros, or the verifier's random bytes.

    Raises:
        ValueError: If outputs are no probabilities.
    """
    task = spec.make()
    outputs = sketch_of_outputs(agent, task)
    (first,) = play_ladder(
        untrained(),
        spec,
        commitment,
        references=references,
        whole=whole,
        nonce=nonce,
        rungs=[(spec.largest, UNTRAINED_SEQUENCES)],
    )
    try:
        score = first.scaled_return()
    except ValueError:  # this task has no scale, and so its results have no score either
        score = None
    ordered = (weights[name].detach().cpu().double().numpy() for name in sorted(weights))
    return Probe(untrained=score, outputs=outputs, weights=sketch(*ordered))


def sketch(*arrays: NDArray[np.float64]) -> list[float]:
    """Return the sketch of the values of arrays, in their order, with six significant digits."""
    sums, key, start = np.zeros(SKETCH), np.zeros(1, np.int64), 0
    for array in arrays:
        values = array.reshape(-1)
        for i in range(0, len(values), AT_ONCE):
            part = values[i : i + AT_ONCE]
            words = keyed.words(key, keyed.DATA, len(part), start)[0]
            signs = 1.0 - 2.0 * (words & np.uint64(1)).astype(np.float64)
            sums += np.bincount(keyed.below(words, SKETCH), part * signs, SKETCH)
            start += len(part)
    return [float(f"{value:.6g}") for value in sums]


def common_inputs(task: Task) -> NDArray[np.float32]:
    """Return observations ``[T, B, I]``, uniform inside the bounds of those of the task.

    They are no sequences of the task: on these, all models that have learnt it perfectly agree.
    """
    low, high = (np.clip(bound.astype(np.float64), -1, 1) for bound in task.input_bounds)
    words = keyed.words(np.arange(B), keyed.DATA, T * task.input_size).reshape(B, T, task.input_size)
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.ascontiguousarray((low + (high - low) * uniform).astype(np.float32).transpose(1, 0, 2))


def sketch_of_outputs(agent: Agent, task: Task) -> list[float]:
    """Return the sketch of an agent's log-odds for the common inputs."""
    agent.begin(B, capacity(T), 0)
    actions = [task.answers.check_probabilities(agent.act(step), (B,)) for step in common_inputs(task)]
    p = np.clip(np.stack(actions).astype(np.float64), CLIP, 1 - CLIP)
    return sketch(np.log(p) - np.log1p(-p))
