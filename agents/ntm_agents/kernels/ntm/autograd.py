"""The NTM's recurrence as one function of autograd, computed by `recurrence.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ntm_agents.kernels import recurrence
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, Result, State, Weights

CACHE = 2**17
"""So many bytes of memory matrices a tile has at most, if that leaves it more than one sequence."""


def recur(
    options: Options, inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None = None
) -> Result:
    """Take T steps, differentiably.

    Args:
        options: Options that the recurrence depends on.
        inputs: Addends; their pre-activations are overwritten.
        weights: Weights of the recurrence.
        state: State before the first step.
        jumps: Jumps and counter of a machine that has them.

    Returns:
        Features and weightings of each step, and the state after the last one.
    """
    addend, head_addend, recurrent, heads, first, cells, *counter = flat(inputs, weights, state, jumps)
    start = state.memory.transpose(1, 2), state.weightings, first, cells
    tensors = (addend, head_addend, recurrent, heads, *start, *counter)
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    features, weightings, memory, last, counts = _Recurrence.apply(options, learns, *tensors)
    return result(state, features, weightings, memory.transpose(1, 2), last, counts if jumps else None)


def flat(inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None) -> tuple[Tensor, ...]:
    """Return addends, weights, first features, cells and counter; jumps go with the pre-activations."""
    addend, recurrent = inputs.preactivations, weights.recurrent
    C = weights.heads.shape[1]
    output, cells = state.controller or (addend.new_zeros(len(state.reads), C), addend.new_empty(0, 0))
    counter = (
        addend.new_zeros(addend.shape[1]),
        addend.new_zeros(addend.shape[:2]),
        addend.new_zeros(addend.shape[2]),
    )
    if jumps:
        unseen = recurrent.shape[1] - jumps.weight.shape[1]  # the last output
        addend = torch.cat((addend, jumps.gates), 2)
        recurrent = torch.cat((recurrent, functional.pad(jumps.weight, (0, unseen))))
        counter = jumps.counts, jumps.offers, jumps.counting
    first = torch.cat((state.reads, output), 1)
    return addend, inputs.parameters, recurrent, weights.heads, first, cells, *counter


def result(
    start: State, features: Tensor, weightings: Tensor, memory: Tensor, cells: Tensor, counts: Tensor | None
) -> Result:
    """Return results of T steps, given weightings of each ``[T, B, H, N]`` or of the last ``[B, H, N]``."""
    reads, output = features[-1].tensor_split((start.reads.shape[1],), 1)
    each = weightings.dim() == 4
    state = State(
        memory, weightings[-1] if each else weightings, reads, (output, cells) if start.controller else ()
    )
    return Result(features, weightings if each else None, state, counts)


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        options: Options,
        learns: bool,
        addend: Tensor,
        head_addend: Tensor,
        recurrent: Tensor,
        heads: Tensor,
        memory: Tensor,
        weightings: Tensor,
        features: Tensor,
        cells: Tensor,
        counts: Tensor,
        offers: Tensor,
        counting: Tensor,
    ) -> tuple[Tensor, ...]:
        T, H = len(addend), weightings.shape[1]
        every = max(1, math.isqrt(T))
        checkpoints = memory.new_empty(-(-T // every) if learns else 0, *memory.shape)
        all_weightings, all_features = behind(weightings, T), behind(features, T)
        all_cells = behind(cells, T) if len(cells) else cells.new_empty(0, 0, 0)
        params = head_addend.clone(memory_format=torch.contiguous_format)
        gates, memory = addend.contiguous(), memory.clone(memory_format=torch.contiguous_format)
        all_counts, offers = behind(counts, T), offers.contiguous()
        kept = (gates, all_cells, all_features, params, all_weightings, checkpoints, all_counts, offers)
        settings = fixed(options, memory, every if learns else 0)
        weights = arrays(recurrent.t(), heads.t())
        room = scratch(weights, memory.shape, 0, H, options.shift_width, options.write_heads, heads.shape[1])
        whole = np.zeros(len(memory), np.int64), kind(memory)(0)
        recurrence.forward(*weights, *arrays(counting), *settings, room, *whole, *arrays(memory, *kept))
        if learns:
            ctx.fixed = settings
            ctx.save_for_backward(*kept, recurrent, heads, counting)
            ctx.set_materialize_grads(False)
        last = all_cells[T] if len(cells) else cells
        return all_features[1:], all_weightings[1:], memory, last, all_counts[T]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Any, ...]:
        *kept, recurrent, heads, counting = ctx.saved_tensors
        gates, cells, features, params, weightings, checkpoints, counts, offers = kept
        dfeatures, dall, dmemory, dcells, dcounts = gradients
        (T, B, _), (_, _, H, N) = gates.shape, weightings.shape
        if dfeatures is None:
            dfeatures = torch.zeros_like(features[1:])
        if dall is None:
            dall = gates.new_empty(0, 0, 0, 0)
        dmemory = torch.zeros_like(checkpoints[0]) if dmemory is None else dmemory.clone()
        dcells = (
            torch.zeros_like(cells[0] if len(cells) else gates[0, :0]) if dcells is None else dcells.clone()
        )
        dcounts = torch.zeros_like(counts[0]) if dcounts is None else dcounts.clone()
        dweightings, dstart = weightings.new_zeros(B, H, N), torch.empty_like(features[0])
        dparams, dgates, dall_counts = (torch.empty_like(x) for x in (params, gates, offers))
        given = (
            dfeatures.contiguous(),
            dall.contiguous(),
            dcells.contiguous(),
            dmemory.contiguous(),
            dcounts,
        )
        writers, _, _, shifts, *_, every = ctx.fixed
        weights = arrays(recurrent.contiguous(), heads.contiguous())
        room = scratch(weights, dmemory.shape, every + 1, H, shifts, writers, heads.shape[1])
        recurrence.backward(
            *weights,
            *arrays(counting),
            *ctx.fixed,
            room,
            *arrays(*kept, *given, dweightings, dstart, dgates, dparams, dall_counts),
        )
        rows, width = T * B, features.shape[2]
        before, after = features[:-1].view(rows, width), features[1:].view(rows, width)
        drecurrent = dgates.view(rows, -1).t() @ before[:, : recurrent.shape[1]]
        dheads = dparams.view(rows, -1).t() @ after[:, width - heads.shape[1] :]
        jumping = gates.shape[2] > len(counting)
        dcounting = functional.softsign(counts[1:]).view(-1) @ dgates.view(rows, -1)[:, : len(counting)]
        return (
            *(None, None, dgates, dparams, drecurrent, dheads),
            *(given[3], dweightings, dstart, given[2] if len(cells) else None),
            *((dcounts, dall_counts, dcounting) if jumping else (dcounts, None, None)),
        )


def behind(first: Tensor, steps: int) -> Tensor:
    """Return room for a tensor of each step, with the first one set."""
    room = first.new_empty(steps + 1, *first.shape)
    room[0] = first
    return room


def fixed(options: Options, memory: Tensor, every: int) -> tuple[Any, ...]:
    """Return what does not depend on the data as :func:`recurrence.forward` wants it."""
    number, at = kind(memory), options.epsilon_at
    inside = max(options.epsilon, recurrence.TINY) if at == "squares" else recurrence.TINY
    outside = options.epsilon if at == "norms" else 0.0
    product = options.epsilon if at == "product" else 0.0
    activations = {"identity": recurrence.IDENTITY, "tanh": recurrence.TANH, "sigmoid": recurrence.SIGMOID}
    return (
        options.write_heads,
        options.followers,
        options.key_width,
        options.shift_width,
        (activations[options.key_activation], activations[options.add_activation]),
        (number(inside), number(outside), number(product)),
        options.write_first,
        every,
    )


def scratch(
    weights: tuple[Any, Any],
    shape: tuple[int, ...],
    steps: int,
    heads: int,
    shifts: int,
    writers: int,
    units: int,
    cache: int = CACHE,
) -> recurrence.Scratch:
    """Return room for a tile of as many sequences, of memories ``[B, M, N]``, as the cache suits."""
    B, width, slots = shape
    tile = min(16, max(2, cache // (width * slots * weights[0].itemsize)), max(1, B))
    return recurrence.scratch(*weights, (steps, tile, width, slots), heads - writers, writers, shifts, units)


def kind(tensor: Tensor) -> Any:
    """Return the type of a tensor's numbers in NumPy."""
    return np.float32 if tensor.dtype == torch.float32 else np.float64


def arrays(*tensors: Tensor) -> tuple[Any, ...]:
    """Return tensors as arrays of NumPy, which share their memory."""
    return tuple(tensor.detach().numpy() for tensor in tensors)
