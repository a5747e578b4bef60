"""Conversions between the tensors of the interface and the arguments of the compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.location import TINY
from ntm_agents.kernels.sam.arguments import Settings, Store, Trail
from ntm_agents.kernels.sam.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import NUMBERS, behind


class Start(NamedTuple):
    """State before the first step, with an empty tensor for what a machine does not have."""

    memory: Tensor
    """``[B, N, M]``."""
    weightings: Tensor
    """``[B, H, K]``."""
    slots: Tensor
    """Int64 ``[B, H, K]``."""
    usage: Tensor
    """Int64 ``[B, N]``."""
    tables: Tensor
    """Int32 ``[B, L, 2 ** J, LINE]`` or ``[B, 0, 0, 0]``."""
    features: Tensor
    """``[B, V + C]``."""
    cells: Tensor
    """``[B, C]`` or ``[0, 0]``."""


def flat(inputs: Inputs, weights: Weights, state: State) -> tuple[Tensor, ...]:
    """Return addends, weights and the tensors of `Start` as autograd takes them."""
    like, units = state.memory, inputs.preactivations.shape[2]  # of a controller without a state
    output, cells = state.controller or (like.new_zeros(len(like), units), like.new_empty(0, 0))
    features = torch.cat((state.reads, output), 1)
    (tables,) = state.tables or (torch.empty(len(like), 0, 0, 0, dtype=torch.int32),)
    return *inputs, *weights, *state[:4], tables, features, cells


def result(start: State, features: Tensor, weightings: Tensor | None, last: Start) -> Result:
    """Return the results of T steps.

    Args:
        start: State before the first step.
        features: Those of each step ``[T, B, V + C]``.
        weightings: Those of each step ``[T, B, H, K]``, if they were kept.
        last: State after the last step.
    """
    V = start.reads.shape[1]
    reads, output = last.features.split_with_sizes((V, last.features.shape[1] - V), 1)
    controller = (output, last.cells) if start.controller else ()
    index = (last.tables,) if start.tables else ()
    return Result(features, weightings, State(*last[:4], index, reads, controller))


def settings(options: Options, start: Start) -> Settings:
    """Return the options, and what follows from the shapes of a state, in numbers of its type."""
    number = NUMBERS[start.memory.dtype]
    return Settings(
        heads=start.weightings.shape[1],
        width=start.memory.shape[2],
        epsilons=Epsilons(inside=number(TINY), outside=number(0.0), product=number(options.epsilon)),
    )


def store(start: Start) -> Store[Tensor]:
    """Return what sequences have of each slot, in memory that may be written to."""
    usage = start.usage.clone(memory_format=torch.contiguous_format)
    if (usage[:, 1:] >= usage[:, :-1]).all():  # as at the start of episodes: then nothing is to be sorted
        order = torch.arange(usage.shape[1]).expand_as(usage).contiguous()
    else:
        order = usage.argsort(dim=1, stable=True)
    memory, tables = (
        part.clone(memory_format=torch.contiguous_format) for part in (start.memory, start.tables)
    )
    return Store(memory, usage, order, tables)


def trail(inputs: Inputs, start: Start, kept: int) -> Trail[Tensor]:
    """Return room for what the loops keep of T steps.

    Args:
        inputs: Addends; the pre-activations are overwritten if they are contiguous.
        start: State before the first step.
        kept: Number of steps of which the accesses to the memory have room at a time.
    """
    T, like = len(inputs.preactivations), start.memory
    (B, H, K), M = start.weightings.shape, like.shape[2]
    return Trail(
        gates=inputs.preactivations.contiguous(),
        cells=behind(start.cells, T) if len(start.cells) else like.new_empty(0, 0, 0),
        features=behind(start.features, T),
        parameters=inputs.vectors.clone(memory_format=torch.contiguous_format),
        weightings=behind(start.weightings, kept),
        slots=behind(start.slots, kept),
        free=torch.empty(kept, B, H, dtype=torch.int64),
        rows=like.new_empty(kept, B, H, K, M),
    )
