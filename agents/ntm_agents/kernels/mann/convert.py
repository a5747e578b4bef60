"""Conversions between the tensors of the interface and the arguments of the compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.location import TINY
from ntm_agents.kernels.mann.arguments import Settings, Store, Trail
from ntm_agents.kernels.mann.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import NUMBERS, behind


class Start(NamedTuple):
    """State before the first step, with an empty tensor for cells that a machine does not have."""

    memory: Tensor
    """``[B, M, N]``."""
    weightings: Tensor
    """``[B, 2 * R, N]``."""
    usage: Tensor
    """``[B, N]``."""
    features: Tensor
    """``[B, V + C]``."""
    cells: Tensor
    """``[B, C]`` or ``[0, 0]``."""


def flat(inputs: Inputs, weights: Weights, state: State) -> tuple[Tensor, ...]:
    """Return addends, weights and the tensors of `Start` as autograd takes them."""
    like, units = state.memory, inputs.preactivations.shape[2]  # of a controller without a state
    output, cells = like.new_zeros(len(like), units), like.new_empty(0, 0)
    if state.controller:
        output, *own = state.controller
        cells = own[0] if own else cells
    features = torch.cat((state.reads, output), 1)
    return *inputs, *weights, like.transpose(1, 2), state.weightings, state.usage, features, cells


def result(start: State, features: Tensor, weightings: Tensor | None, last: Start) -> Result:
    """Return the results of T steps.

    Args:
        start: State before the first step.
        features: Those of each step ``[T, B, V + C]``.
        weightings: Those of each step ``[T, B, 2 * R, N]``, if they were kept.
        last: State after the last step.
    """
    V = start.reads.shape[1]
    reads, output = last.features.split_with_sizes((V, last.features.shape[1] - V), 1)
    controller = (output, last.cells)[: len(start.controller)]
    state = State(last.memory.transpose(1, 2), last.weightings, last.usage, reads, controller)
    return Result(features, weightings, state)


def settings(options: Options, inputs: Inputs, start: Start, every: int) -> Settings:
    """Return the options, and what follows from the shapes of tensors, in numbers of their type."""
    number, heads = NUMBERS[start.memory.dtype], start.weightings.shape[1] // 2
    return Settings(
        heads=heads,
        width=start.memory.shape[1],
        stride=inputs.parameters.shape[2] // heads,
        epsilons=Epsilons(inside=number(TINY), outside=number(0.0), product=number(options.epsilon)),
        decay=number(options.usage_decay),
        write_first=options.write_first,
        every=every,
    )


def store(start: Start) -> Store[Tensor]:
    """Return what sequences have of each slot, in memory that may be written to."""
    return Store(*(part.clone(memory_format=torch.contiguous_format) for part in (start.memory, start.usage)))


def trail(inputs: Inputs, start: Start, kept: int, every: int) -> Trail[Tensor]:
    """Return room for what the loops keep of T steps.

    Args:
        inputs: Addends; the pre-activations are overwritten if they are contiguous.
        start: State before the first step.
        kept: Number of steps whose weightings have room at a time.
        every: Steps between checkpoints; 0 for none.
    """
    T, (B, H, _), like = len(inputs.preactivations), start.weightings.shape, start.memory
    return Trail(
        gates=inputs.preactivations.contiguous(),
        cells=behind(start.cells, T) if len(start.cells) else like.new_empty(0, 0, 0),
        features=behind(start.features, T),
        parameters=inputs.parameters.clone(memory_format=torch.contiguous_format),
        weightings=behind(start.weightings, kept),
        free=torch.empty(kept, B, H // 2, dtype=torch.int64),
        memories=like.new_empty(-(-T // every) if every else 0, *like.shape),
    )
