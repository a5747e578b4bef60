"""Conversions between the tensors of the interface and the arguments of the compiled loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.dntm.arguments import Places, Queries, Settings, Trail
from ntm_agents.kernels.dntm.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.dntm.parameters import Layout
from ntm_agents.kernels.location import TINY
from ntm_agents.kernels.tensors import NUMBERS, arrays, behind

KEPT = 0.1
"""Share of a moving average of similarities that a step keeps; the rest is new."""


class Start(NamedTuple):
    """State before the first step, with empty tensors for what a machine does not have."""

    memory: Tensor
    """``[B, D, N]``."""
    addresses: Tensor
    """``[N, A]``."""
    averages: Tensor
    """``[B, H, N]`` or ``[0, 0, 0]``."""
    features: Tensor
    """Read addresses, read contents, and output of the controller ``[B, V + C]``."""
    cells: Tensor
    """``[B, C]`` or ``[0, 0]``."""


def flat(options: Options, inputs: Inputs, weights: Weights, state: State) -> tuple[Tensor, ...]:
    """Return addends and flags, weights, and the tensors of `Start`, as autograd takes them."""
    memory, (addresses,), weightings, averages, reads, controller = state
    B, R, A = len(memory), weightings.shape[1] - options.write_heads, addresses.shape[1]
    C = weights.heads.shape[1]
    output, cells = memory.new_zeros(B, C), memory.new_empty(0, 0)
    if controller:
        output, *own = controller
        cells = own[0] if own else cells
    recurrent = weights.recurrent
    if options.feedback == "slot":
        V = reads.shape[1]
        below, own_output = recurrent.tensor_split((V,), 1)
        recurrent = torch.cat((_apart(below, R, A), own_output), 1)
    soft = torch.ones(B, dtype=torch.bool) if inputs.soft is None else inputs.soft
    start = Start(
        memory.transpose(1, 2),
        addresses,
        averages if options.lru else memory.new_empty(0, 0, 0),
        torch.cat((_apart(reads, R, A), output), 1),
        cells,
    )
    return *inputs[:3], soft, recurrent, *weights[1:], *start


def _apart(slots: Tensor, heads: int, address: int) -> Tensor:
    """Return slots of R heads ``[..., R * (A + D)]`` with all addresses before all contents."""
    each = slots.reshape(*slots.shape[:-1], heads, -1).tensor_split((address,), -1)
    return torch.cat([part.flatten(-2) for part in each], -1)


def _together(addresses: Tensor, contents: Tensor, heads: int) -> Tensor:
    """Return addresses ``[..., R * A]`` and contents ``[..., R * D]`` as slots of R heads."""
    parts = [part.reshape(*part.shape[:-1], heads, -1) for part in (addresses, contents)]
    return torch.cat(parts, -1).flatten(-2)


def result(
    options: Options,
    start: State,
    features: Tensor,
    places: Tensor,
    weightings: Tensor,
    last: tuple[Tensor, Tensor, Tensor],
) -> Result:
    """Return the results of T steps.

    Args:
        options: Options that the recurrence depends on.
        start: State before the first step.
        features: Read contents and output of the controller after each step ``[T, B, R * D + C]``.
        places: Read addresses after each step ``[T, B, R * A]``.
        weightings: Those of each step, or of the last one, ``[L, B, H, N]``.
        last: Memory, averages and cells after the last step; empty ones where a machine has none.
    """
    memory, averages, cells = last
    R, D = weightings.shape[2] - options.write_heads, memory.shape[1]
    contents, output = features.tensor_split((R * D,), 2)
    reads = _together(places[-1], contents[-1], R)
    if options.feedback == "slot":
        features = torch.cat((_together(places, contents, R), output), 2)
    state = start._replace(
        memory=memory.transpose(1, 2),
        weightings=weightings[-1],
        similarities=averages if options.lru else start.similarities,
        reads=reads,
        controller=(output[-1], cells)[: len(start.controller)],
    )
    return Result(features, weightings, state)


def settings(options: Options, start: Start, heads: int, every: int) -> Settings:
    """Return the options, and what follows from the shapes of tensors, in numbers of their type."""
    number, (_, A), D = NUMBERS[start.memory.dtype], start.addresses.shape, start.memory.shape[1]
    R = heads - options.write_heads
    return Settings(
        layout=Layout(
            heads=heads,
            writers=options.write_heads,
            address=A,
            width=D,
            stride=A + D + 1 + options.extras,
            lru=options.lru,
            follows=bool(options.follows),
        ),
        queries=_queries(options, heads),
        epsilons=Epsilons(inside=number(TINY), outside=number(0.0), product=number(options.epsilon)),
        kept=number(KEPT),
        nop=options.nop_slots,
        write_first=options.write_first,
        seen={"slot": 0, "content": R * A, "none": R * (A + D)}[options.feedback],
        every=every,
    )


def _queries(options: Options, heads: int) -> Queries:
    by_content, follows = options.by_content or (False,) * heads, options.follows or (0,) * heads
    keys = [head for head, found in enumerate(by_content) if not found]
    followed = sorted({head - 1 for head in follows if head})
    own = [keys.index(head) if head in keys else -1 for head in range(heads)]
    near = [len(keys) + followed.index(head - 1) if head else -1 for head in follows]
    sources, own_, near_ = (np.array(numbers, np.int64) for numbers in (keys + followed, own, near))
    return Queries(sources, len(keys), own_, near_)


def places(addresses: Tensor, rotation: Tensor) -> Places:
    """Return what is the same in all sequences."""
    return Places(*arrays(addresses.contiguous(), rotation.contiguous()))


def trail(
    options: Options, addends: Sequence[Tensor], soft: Tensor, start: Start, heads: int, kept: int, every: int
) -> Trail[Tensor]:
    """Return room for what the loops keep of T steps.

    Args:
        options: Options that the recurrence depends on.
        addends: Shares of the inputs; those of pre-activations are overwritten if they are contiguous.
        soft: Whether weightings are distributions ``[B]``.
        start: State before the first step.
        heads: H.
        kept: Number of steps L that have room at a time.
        every: Steps between checkpoints; 0 for none.
    """
    preactivations, parameters, contents = addends
    T, (B, D, N), like = len(preactivations), start.memory.shape, start.memory
    queries, W = len(_queries(options, heads).sources), options.write_heads
    same = options.nop_slots == 0 and bool(soft.all())
    return Trail(
        gates=preactivations.contiguous(),
        cells=behind(start.cells, T) if len(start.cells) else like.new_empty(0, 0, 0),
        features=behind(start.features, T),
        parameters=parameters.clone(memory_format=torch.contiguous_format),
        contents=contents.contiguous(),
        soft=soft.contiguous(),
        vectors=like.new_empty(kept, B, W * 2 * D),
        queries=like.new_empty(kept, B * queries, start.addresses.shape[1]),
        weightings=like.new_empty(kept, B, heads, N),
        chances=like.new_empty(0, 0, 0, 0) if same else like.new_empty(kept, B, heads, N),
        averages=behind(start.averages, kept) if options.lru else like.new_empty(0, 0, 0, 0),
        memories=like.new_empty(-(-T // every) if every else 0, *like.shape),
    )
