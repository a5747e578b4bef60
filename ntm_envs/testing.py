"""Tells the author of a new task what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ntm_envs.agent import Agent, capacity
from ntm_envs.grading import to_bits
from ntm_envs.tasks.base import Batch, Bits, Integers, Size, Task


class TaskError(AssertionError):
    """A task does not keep its promises; the message says which, and what was seen."""


def check_task(task: Task, sizes: Mapping[str, Size], episodes: int = 200) -> None:
    """Check that a task keeps the promises that environments, training and evaluation rely on.

    Args:
        task: The task.
        sizes: Ranges of sizes to check, such as those it is trained on. Every promise is checked on
            them, and on their smallest and largest values.
        episodes: How many episodes are looked at.

    Raises:
        TaskError: If a promise is broken.
    """
    for problem in _problems(task, dict(sizes), np.arange(episodes)):
        raise TaskError(f"{type(task).__name__}: {problem}")


def _problems(task: Task, sizes: dict[str, Size], keys: Integers) -> Iterator[str]:
    batch = task.episodes(keys, **sizes)
    yield from _arrays(task, batch)
    yield from _values(task, batch)
    yield from _purity(task, batch, sizes)
    corners = [
        (size, size) if isinstance(size, int) else (int(size[0]), int(size[-1])) for size in sizes.values()
    ]
    for corner in product(*corners):
        fixed = dict(zip(sizes, corner, strict=True))
        small = task.episodes(keys[:20], **fixed)
        if len(small.mask) != task.steps(**fixed):
            yield (
                f"episodes of {fixed} have {len(small.mask)} steps, but count_steps says "
                f"{task.steps(**fixed)}"
            )
        yield from _values(task, small)
    yield from _agents(task, batch)


def _arrays(task: Task, batch: Batch) -> Iterator[str]:
    B, T = len(batch.keys), int(batch.steps.max())
    for name, array, shape, dtype in (
        ("inputs", batch.inputs, (T, B, task.input_size), np.float32),
        ("targets", batch.targets, (T, B, task.output_size), np.int8),
        ("mask", batch.mask, (T, B), np.bool_),
    ):
        if array.shape != shape or array.dtype != dtype:
            yield f"{name} are {array.dtype} {array.shape}; expected {np.dtype(dtype)} {shape}"


def _values(task: Task, batch: Batch) -> Iterator[str]:
    low, high = task.input_bounds
    if not np.isfinite(batch.inputs).all():
        yield "inputs are not all finite"
    outside = (batch.inputs < low) | (batch.inputs > high)
    if outside.any():
        t, b, i = np.argwhere(outside)[0]
        yield (
            f"the input channel {task.input_channels[i]!r} holds {batch.inputs[t, b, i]} at step {t} of key "
            f"{batch.keys[b]}; input_bounds allow {low[i]} to {high[i]}"
        )
    if not np.isin(batch.targets, (0, 1)).all():
        yield "targets hold other values than 0 and 1"
    if batch.targets[~batch.mask].any():
        yield "targets are not 0 everywhere off the answer steps"
    if not batch.mask.any(axis=0).all():
        yield f"the episode of key {batch.keys[~batch.mask.any(axis=0)][0]} has no answer step"
    padding = np.arange(len(batch.mask))[:, None] >= batch.steps
    if batch.mask[padding].any() or batch.inputs[padding].any():
        yield "there is something on the padding behind the last step of a shorter episode"


def _purity(task: Task, batch: Batch, sizes: dict[str, Size]) -> Iterator[str]:
    again = task.episodes(batch.keys, **sizes)
    if _differ(batch, again):
        yield "the same keys gave other episodes the second time; take all randomness from ntm_envs.keyed"
    for b in (0, len(batch.keys) - 1):
        T = int(batch.steps[b])
        alone = task.episodes(
            batch.keys[b : b + 1], **{name: size[b : b + 1] for name, size in batch.sizes.items()}
        )
        for name in ("inputs", "targets", "mask"):
            if not np.array_equal(getattr(alone, name)[:, 0], getattr(batch, name)[:T, b]):
                yield (
                    f"the {name} of key {batch.keys[b]} depend on the other episodes of the batch, or on how "
                    "the sizes were given; take words from indices that do not depend on the batch"
                )
    data = batch.inputs.transpose(1, 0, 2).reshape(len(batch.keys), -1)
    if len(batch.keys) > 1 and (data == data[0]).all():
        yield "all keys gave the same inputs; the data have to be drawn from batch.keys"


def _agents(task: Task, batch: Batch) -> Iterator[str]:
    scored = batch.mask[:, :, None] & np.ones(task.output_size, np.bool_)
    right = _play(task.oracle(), batch, task.output_size)
    oracle = np.mean(right[scored])
    constant = task.constant_output
    if constant.shape != (task.output_size,) or not np.isin(constant, (0, 1)).all():
        yield f"constant_output is {constant}; expected {task.output_size} values, each 0 or 1"
        return
    guessed = np.mean((constant == batch.targets)[scored])
    if oracle < guessed:
        yield f"the oracle gets {oracle:.3f} of the bits right, less than the constant output, {guessed:.3f}"
    # A channel is mostly what the constant says, up to four standard errors.
    for o in range(task.output_size):
        ones = batch.targets[:, :, o][batch.mask]
        best = 2 * np.mean(ones == constant[o]) - 1
        if best < -4 / np.sqrt(len(ones)):
            yield f"constant_output[{o}] is {constant[o]}, but most targets there are {1 - constant[o]}"


def _play(agent: Agent, batch: Batch, output_size: int) -> NDArray[np.bool_]:
    """Return which bits an agent gets right, ``[T, B, O]``."""
    agent.begin(len(batch.keys), capacity(len(batch.mask)), 0)
    outputs = np.stack([agent.act(inputs) for inputs in batch.inputs])
    bits: Bits = to_bits(outputs)
    right: NDArray[np.bool_] = bits == batch.targets
    return right


def _differ(one: Batch, two: Batch) -> bool:
    return not all(
        np.array_equal(getattr(one, name), getattr(two, name))
        for name in ("inputs", "targets", "mask", "steps")
    )
