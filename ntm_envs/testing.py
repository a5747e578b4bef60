"""Checks for custom tasks, and digests that identify versions of a benchmark."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.agent import Agent, capacity
from ntm_envs.answers import Answers, Mode
from ntm_envs.tasks import Batch, InteractiveTask, SequenceTask, Size, Task, TaskSpec
from ntm_envs.tasks.sizes import Integers


class TaskError(AssertionError):
    """A violation of the requirements on tasks; the message names the requirement and the observed value."""


def check_task(task: Task, sizes: Mapping[str, Size], episodes: int = 200) -> None:
    """Check that a task meets the requirements of environments, training and evaluation.

    Args:
        task: The task, of either kind.
        sizes: Sizes to check, such as the training range. Every requirement is checked on these ranges, and
            on all combinations of their smallest and largest values.
        episodes: Number of episodes to generate.

    Raises:
        TaskError: If the task violates a requirement.
    """
    keys = np.arange(episodes)
    problems = _interactive(task, dict(sizes), keys) if isinstance(task, InteractiveTask) else None
    if isinstance(task, SequenceTask):
        problems = _sequences(task, dict(sizes), keys)
    if problems is None:
        raise TaskError(f"{type(task).__name__}: expected a SequenceTask or an InteractiveTask")
    for problem in problems:
        raise TaskError(f"{type(task).__name__}: {problem}")


def digest(row: TaskSpec) -> str:
    """Return a digest of everything that defines the benchmark of a row: its numbers and its episodes.

    A row whose digest changes needs a new version in its id.
    """
    task, keys = row.make(), np.arange(50) * 2**57 + 1
    ladders = {size: [dict(rung) for rung in rungs] for size, rungs in row.ladders.items()}
    counts = [row.rung_sequences(rung) for rung in row.rungs]
    numbers = [row.name, row.env_id, row.metric, dict(row.training), ladders, counts]
    if row.further:
        numbers.append({size: [dict(rung) for rung in rungs] for size, rungs in row.further.items()})
    sha = hashlib.sha256(json.dumps(numbers, sort_keys=True).encode())
    if isinstance(task, SequenceTask):
        batch = task.episodes(keys, **row.training)
        targets = batch.targets.astype(batch.targets.dtype.newbyteorder("<"))
        arrays = [batch.inputs.astype("<f4"), targets, batch.mask, batch.steps.astype("<i8")]
    else:
        assert isinstance(task, InteractiveTask)
        arrays = list(_transcript(task, keys, row.training))
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]


def _sequences(task: SequenceTask, sizes: dict[str, Size], keys: Integers) -> Iterator[str]:
    """Yield the problems of a sequence task."""
    batch = task.episodes(keys, **sizes)
    yield from _arrays(task, batch)
    yield from _values(task, batch)
    yield from _purity(task, batch, sizes)
    for fixed in _corners(sizes):
        small = task.episodes(keys[:20], **fixed)
        most = task.steps(**fixed)
        if len(small.mask) > most or (len(small.mask) < most and not task.keyed_steps):
            yield f"episodes of {fixed} have {len(small.mask)} steps; max_steps returns {most}"
        scored = small.mask.sum(axis=0)
        if not task.keyed_steps and (scored != scored[0]).any():
            yield (
                f"episodes of {fixed} have {scored.min()} to {scored.max()} scored steps; expected the same "
                "number for all keys, or keyed_steps = True"
            )
        yield from _values(task, small)
    yield from _agents(task, batch)


def _corners(sizes: Mapping[str, Size]) -> Iterator[dict[str, int]]:
    """Yield all combinations of the smallest and the largest values of the sizes."""
    ends = [
        (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1])) for size in sizes.values()
    ]
    for corner in product(*ends):
        yield dict(zip(sizes, corner, strict=True))


def _arrays(task: SequenceTask, batch: Batch) -> Iterator[str]:
    """Check the shapes and dtypes of a batch."""
    B, T, answers = len(batch.keys), int(batch.steps.max()), task.answers
    if len(task.output_channels) != answers.width:
        yield f"there are {len(task.output_channels)} output channels; expected one per symbol of {answers}"
    for name, array, shape, dtype in (
        ("inputs", batch.inputs, (T, B, task.input_size), np.dtype(np.float32)),
        ("targets", batch.targets, (T, B, answers.width), answers.dtype),
        ("mask", batch.mask, (T, B), np.dtype(np.bool_)),
    ):
        if array.shape != shape or array.dtype != dtype:
            yield f"{name} are {array.dtype} {array.shape}; expected {dtype} {shape}"


def _values(task: SequenceTask, batch: Batch) -> Iterator[str]:
    """Check the values of a batch."""
    yield from _inputs(task, batch.inputs, batch.keys)
    if (batch.targets < 0).any() or (batch.targets >= np.array(task.answers.sizes)).any():
        low, high = batch.targets.min(), batch.targets.max()
        yield f"targets are from {low} to {high}; expected classes of {task.answers}"
    if batch.targets[~batch.mask].any():
        yield "some targets are not 0 where the mask is false; expected 0"
    if not batch.mask.any(axis=0).all():
        key = batch.keys[~batch.mask.any(axis=0)][0]
        yield f"the episode of key {key} has no scored step; expected at least one"
    padding = np.arange(len(batch.mask))[:, None] >= batch.steps
    if batch.mask[padding].any() or batch.inputs[padding].any():
        yield "the padding after the last step of a shorter episode is not zero"


def _inputs(task: Task, inputs: NDArray[np.float32], keys: Integers) -> Iterator[str]:
    """Check that inputs ``[T, B, I]`` are finite and within the bounds of the task."""
    low, high = task.input_bounds
    if not np.isfinite(inputs).all():
        yield "some inputs are not finite"
    outside = (inputs < low) | (inputs > high)
    if outside.any():
        t, b, i = np.argwhere(outside)[0]
        yield (
            f"the input channel {task.input_channels[i]!r} holds {inputs[t, b, i]} at step {t} of key "
            f"{keys[b]}; input_bounds permit {low[i]} to {high[i]}"
        )


def _purity(task: SequenceTask, batch: Batch, sizes: dict[str, Size]) -> Iterator[str]:
    """Check that episodes are a pure function of key and sizes."""
    again = task.episodes(batch.keys, **sizes)
    names = ("inputs", "targets", "mask", "steps")
    if not all(np.array_equal(getattr(batch, name), getattr(again, name)) for name in names):
        yield "two calls with the same keys gave different episodes; draw all randomness with ntm_envs.keyed"
    for b in (0, len(batch.keys) - 1):
        T = int(batch.steps[b])
        alone = task.episodes(
            batch.keys[b : b + 1], **{name: size[b : b + 1] for name, size in batch.sizes.items()}
        )
        for name in ("inputs", "targets", "mask"):
            if not np.array_equal(getattr(alone, name)[:, 0], getattr(batch, name)[:T, b]):
                yield (
                    f"the {name} of key {batch.keys[b]} depend on the other episodes of the batch, or on the "
                    "form of the sizes; draw words with indices that do not depend on the batch"
                )
    data = batch.inputs.transpose(1, 0, 2).reshape(len(batch.keys), -1)
    if len(batch.keys) > 1 and (data == data[0]).all():
        yield "all keys gave the same inputs; draw the data from batch.keys"


def _agents(task: SequenceTask, batch: Batch) -> Iterator[str]:
    """Check the oracle and the constant output."""
    answers, constant = task.answers, task.constant_output
    if constant.shape != (answers.width,) or not (constant >= 0).all() or (constant >= answers.sizes).any():
        yield f"constant_output is {constant}; expected {answers.width} symbols of {answers}"
        return
    baseline = np.mean((constant == batch.targets)[batch.mask])
    best = task.oracle() or task.reference()
    if best is not None:
        accuracy = np.mean((_play(best, batch, task) == batch.targets)[batch.mask])
        if accuracy < baseline:
            yield f"the oracle's accuracy is {accuracy:.3f}; expected at least the constant's, {baseline:.3f}"
    # The constant is the most frequent class of each symbol, up to four standard errors.
    for o, size in enumerate(answers.sizes):
        counts = np.bincount(batch.targets[:, :, o][batch.mask], minlength=size)
        lead = counts.max() - counts[constant[o]]
        if lead > 4 * np.sqrt(counts.max() + counts[constant[o]]):
            yield f"constant_output[{o}] is {constant[o]}; expected the commonest target, {counts.argmax()}"


def _play(agent: Agent, batch: Batch, task: SequenceTask) -> NDArray[Any]:
    """Return the answers of an agent ``[T, B, O]``."""
    agent.begin(len(batch.keys), capacity(len(batch.mask)), 0)
    outputs = np.stack([agent.act(inputs) for inputs in batch.inputs])
    return outputs if agent.outputs == "answers" else task.answers.decode(outputs)


def _interactive(task: InteractiveTask, sizes: dict[str, Size], keys: Integers) -> Iterator[str]:
    """Yield the problems of an interactive task."""
    answers = task.answers
    if len(task.output_channels) != answers.width:
        yield f"there are {len(task.output_channels)} output channels; expected one per symbol of {answers}"
    constant = task.constant_output
    if constant.shape != (answers.width,) or not (constant >= 0).all() or (constant >= answers.sizes).any():
        yield f"constant_output is {constant}; expected {answers.width} symbols of {answers}"
        return
    every: list[Mapping[str, Size]] = [sizes, *_corners(sizes)]
    for chosen in every:
        yield from _transcripts(task, chosen, keys)
    yield from _unasked(task, sizes, keys)
    least, returns = _mean_return(task, _Constant(answers, constant), sizes, keys), {}
    if (best := task.oracle() or task.reference()) is not None:
        returns["oracle"] = _mean_return(task, best, sizes, keys)
    if type(task).expert is not InteractiveTask.expert:
        returns["expert"] = _mean_return(task, None, sizes, keys)
    for name, found in returns.items():
        if found < least:
            yield (
                f"the {name} has a mean return of {found:.3f}; expected at least the constant output's "
                f"{least:.3f}"
            )


def _transcripts(task: InteractiveTask, sizes: Mapping[str, Size], keys: Integers) -> Iterator[str]:
    """Check the observations, rewards and ends of episodes with random answers."""
    drawn = _drawn(task, keys, sizes)
    first, second = (list(_transcript(task, keys, sizes)) for _ in range(2))
    if not all(np.array_equal(one, two, equal_nan=True) for one, two in zip(first, second, strict=True)):
        yield "two calls with the same keys and answers gave different episodes"
    observations, rewards, over = first
    for b in (0, len(keys) - 1):
        own = {name: size[b : b + 1] for name, size in drawn.items()}
        for whole, part in zip(first, _transcript(task, keys[b : b + 1], own), strict=True):
            if not np.array_equal(whole[: len(part), b : b + 1], part, equal_nan=True):
                yield f"the episode of key {keys[b]} depends on the other episodes of the batch"
    started = np.concatenate([np.ones_like(over[:1]), ~over[:-1]])
    yield from _inputs(task, np.where(started[:, :, None], observations, 0), keys)
    if not np.isfinite(rewards[started]).all():
        yield "some rewards are not finite"
    last = task.max_steps(drawn) - 1
    if not over[last, np.arange(len(keys))].all():
        yield "an episode is not over after max_steps"
    totals = np.where(started, rewards, 0).sum(axis=0)
    low, high = task.return_bounds(drawn)
    if (totals < low - 1e-9).any() or (totals > high + 1e-9).any():
        yield f"returns are from {totals.min()} to {totals.max()}; return_bounds do not permit all of them"


def _unasked(task: InteractiveTask, sizes: Mapping[str, Size], keys: Integers) -> Iterator[str]:
    """Check that an answer has no effect where the task does not ask for one."""
    drawn, answers = _drawn(task, keys, sizes), task.answers
    one, other = (np.tile(symbols, (len(keys), 1)) for symbols in (task.constant_output, answers.sizes))
    state, over = task.begin(keys, drawn), np.zeros(len(keys), np.bool_)
    for step in range(int(task.max_steps(drawn).max())):
        silent, twin = ~task.asks(state) & ~over, {name: values.copy() for name, values in state.items()}
        rewards, ended = task.act(state, one.astype(answers.dtype))
        pairs = [(rewards, task.act(twin, (other - 1).astype(answers.dtype))[0])]
        pairs += [(state[name], twin[name]) for name in state]
        if any(not np.array_equal(mine[silent], theirs[silent]) for mine, theirs in pairs):
            yield f"an answer has an effect at step {step}, where the task does not ask for one (`asks`)"
            return
        over = over | ended


class _Constant:
    """An agent with a constant output."""

    outputs: Mode = "answers"

    def __init__(self, answers: Answers, answer: NDArray[Any]) -> None:
        self._answer = answer.astype(answers.dtype)

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        pass

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        return np.tile(self._answer, (len(observations), 1))


def _mean_return(
    task: InteractiveTask, agent: Agent | None, sizes: Mapping[str, Size], keys: Integers
) -> float:
    """Return the mean return of an agent that outputs answers; None is the expert of the task."""
    drawn = _drawn(task, keys, sizes)
    state, most = task.begin(keys, drawn), int(task.max_steps(drawn).max())
    if agent is not None:
        agent.begin(len(keys), capacity(most), 0)
    over, total = np.zeros(len(keys), np.bool_), np.zeros(len(keys))
    for _ in range(most):
        answers = task.expert(state) if agent is None else agent.act(task.observe(state))
        rewards, ended = task.act(state, np.asarray(answers))
        total += np.where(over, 0, rewards)
        over = over | ended
    return float(total.mean())


def _drawn(task: Task, keys: Integers, sizes: Mapping[str, Size]) -> dict[str, Integers]:
    """Return the sizes ``[B]`` of the episodes of keys."""
    return task.draw_sizes(keys, task.check_sizes(sizes, len(keys)))


def _transcript(
    task: InteractiveTask, keys: Integers, sizes: Mapping[str, Size]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Play episodes with keyed random answers.

    Returns:
        Observations ``[T, B, I]`` and rewards ``[T, B]``, with NaN after the end of an episode; and bools
        ``[T, B]`` that are true once the episode is over.
    """
    drawn = _drawn(task, keys, sizes)
    state, T, width = task.begin(keys, drawn), int(task.max_steps(drawn).max()), task.answers.width
    # No task draws its data from this domain.
    words = keyed.words(keys, keyed.STREAM, T * width).reshape(len(keys), T, width).transpose(1, 0, 2)
    actions = keyed.below(words, np.array(task.answers.sizes)).astype(task.answers.dtype)
    observations, rewards, ends = [], [], []
    over = np.zeros(len(keys), np.bool_)
    for answers in actions:
        before = over
        observations.append(np.where(before[:, None], np.nan, task.observe(state)).astype("<f4"))
        reward, ended = task.act(state, answers)
        over = before | ended
        rewards.append(np.where(before, np.nan, reward).astype("<f8"))
        ends.append(over)
    return np.stack(observations), np.stack(rewards), np.stack(ends)
