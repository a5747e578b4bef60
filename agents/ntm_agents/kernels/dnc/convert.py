"""Conversions between the tensors of the interface and the arguments of the compiled loops."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ntm_agents.kernels.activations import ACTIVATIONS
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.dnc.arguments import Settings, Trail
from ntm_agents.kernels.dnc.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.dnc.parameters import layout
from ntm_agents.kernels.links import padded
from ntm_agents.kernels.location import TINY
from ntm_agents.kernels.tensors import NUMBERS, behind


class Start(NamedTuple):
    """State before the first step, with empty tensors for what a machine does not have."""

    memory: Tensor
    """``[B, M, N]``."""
    weightings: Tensor
    """``[B, H, N]``."""
    usage: Tensor
    """``[B, N]``."""
    precedence: Tensor
    """``[B, N]`` or ``[0, 0]``."""
    links: Tensor
    """``[B, N, J]``."""
    columns: Tensor
    """Int64 ``[B, N, K]``."""
    features: Tensor
    """``[B, V + C]``."""
    cells: Tensor
    """``[B, C]`` or ``[0, 0]``."""


def flat(inputs: Inputs, weights: Weights, state: State) -> tuple[Tensor, ...]:
    """Return addends, weights and the tensors of `Start` as autograd takes them."""
    like, (B, N) = state.memory, state.usage.shape
    units = inputs.preactivations.shape[2]  # of a controller without a state
    output, cells = state.controller or (like.new_zeros(B, units), like.new_empty(0, 0))
    precedence, links, *columns = state.links or (like.new_empty(0, 0), like.new_empty(B, N, 0))
    if len(state.links) == 2:
        links = functional.pad(links, (0, padded(N, links.itemsize) - N))
    start = Start(
        memory=state.memory.transpose(1, 2),
        weightings=state.weightings,
        usage=state.usage,
        precedence=precedence,
        links=links,
        columns=columns[0] if columns else torch.empty(B, N, 0, dtype=torch.int64),
        features=torch.cat((state.reads, output), 1),
        cells=cells,
    )
    return *inputs, *weights, *start


def result(start: State, features: Tensor, weightings: Tensor | None, last: Start) -> Result:
    """Return the results of T steps.

    Args:
        start: State before the first step.
        features: Those of each step ``[T, B, V + C]``.
        weightings: Those of each step ``[T, B, H, N]``, if they were kept.
        last: State after the last step.
    """
    V = start.reads.shape[1]
    reads, output = last.features.split_with_sizes((V, last.features.shape[1] - V), 1)
    entries = last.links[:, :, : start.links[1].shape[2]] if start.links else last.links
    links = (last.precedence, entries, last.columns)
    state = State(
        memory=last.memory.transpose(1, 2),
        weightings=last.weightings,
        usage=last.usage,
        links=links[: len(start.links)],
        reads=reads,
        controller=(output, last.cells) if start.controller else (),
    )
    return Result(features, weightings, state)


def settings(options: Options, start: Start, every: int) -> Settings:
    """Return the options, and what follows from the shapes of a state, in numbers of its type."""
    number = NUMBERS[start.memory.dtype]
    width, readers, linked = start.memory.shape[1], start.weightings.shape[1] - 1, start.links.shape[2] > 0
    return Settings(
        layout=layout(readers, width, options.masking, linked, options.link_sharpening),
        epsilons=Epsilons(inside=number(TINY), outside=number(0.0), product=number(options.epsilon)),
        write_activation=ACTIVATIONS[options.write_activation],
        deallocation=options.deallocation,
        least_usage=number(options.least_usage),
        every=every,
    )


def trail(inputs: Inputs, start: Start, kept: int, every: int) -> Trail[Tensor]:
    """Return room for what the loops keep of T steps.

    Args:
        inputs: Addends; the pre-activations are overwritten if they are contiguous.
        start: State before the first step.
        kept: Number of steps whose weightings, usage and links' ways have room at a time.
        every: Steps between checkpoints; 0 for none.
    """
    T, (B, M, N) = len(inputs.preactivations), start.memory.shape
    (K, J), R = (start.columns.shape[2], start.links.shape[2]), start.weightings.shape[1] - 1
    like, count = start.memory, -(-T // every) if every else 0
    return Trail(
        gates=inputs.preactivations.contiguous(),
        cells=behind(start.cells, T) if len(start.cells) else like.new_empty(0, 0, 0),
        features=behind(start.features, T),
        parameters=inputs.vectors.clone(memory_format=torch.contiguous_format),
        weightings=behind(start.weightings, kept),
        usage=behind(start.usage, kept),
        precedence=behind(start.precedence, kept) if J else like.new_empty(0, 0, 0),
        orders=behind(torch.arange(N).expand(B, N), kept),
        ways=like.new_empty(kept, B, 2 * R if J else 0, N),
        choices=torch.empty(kept, B, (3 + 2 * K) * K, dtype=torch.int64),
        memories=like.new_empty(count, B, M, N),
        links=like.new_empty(count, B, N, J),
        columns=torch.empty(count, B, N, K, dtype=torch.int64),
    )
