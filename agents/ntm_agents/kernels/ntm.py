"""The NTM's recurrence as one function of autograd, computed by `recurrence.py`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ntm_agents.kernels import recurrence

CACHE = 2**17
"""So many bytes of memory matrices a tile has at most, if that leaves it more than one sequence."""


@dataclass(frozen=True)
class Options:
    """What does not depend on the data: see :func:`recurrence.forward`."""

    writers: int
    followers: int
    keys: int
    shifts: int
    key: str
    add: str
    epsilon: float
    epsilon_at: str
    write_first: bool


def recur(
    options: Options,
    addend: Tensor,
    head_addend: Tensor,
    recurrent: Tensor,
    heads: Tensor,
    memory: Tensor,
    weightings: Tensor,
    features: Tensor,
    cells: Tensor | None,
    counts: Tensor,
    offers: Tensor,
    counting: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
    """Take T steps.

    Whatever does not depend on the state comes in as an addend, and whatever is computed from what a step
    leaves is computed from the results, so both are free: noise, a way round the controller, penalties on
    weightings, other read-outs.

    Args:
        options: What does not depend on the data.
        addend: What is added to the controller's pre-activations ``[T, B, G * C]``, and, if heads that read
            may jump, to those of the gates of their jumps, ``[T, B, G * C + R]``. It is overwritten.
        head_addend: What is added to the head parameters ``[T, B, P]``.
        recurrent: Weights of what was read and, of an LSTM, its last output, ``[G * C, V or V + C]`` or
            ``[G * C + R, V or V + C]``.
        heads: Weights of the head parameters ``[P, C]``.
        memory: ``[B, N, M]``.
        weightings: ``[B, H, N]``.
        features: What was read and the controller's output at the last step ``[B, V + C]``.
        cells: Cells of an LSTM ``[B, C]``; None for a feed-forward controller.
        counts: Counters ``[B]``, which count jumps.
        offers: What inputs add to them ``[T, B]``.
        counting: Weights of what they tell the controller ``[G * C]``.

    Returns:
        The features ``[T, B, V + C]``, the weightings ``[T, B, H, N]`` of each step, the memory
        ``[B, N, M]``, the cells and the counters at the end.
    """
    given = addend.new_empty(0, 0) if cells is None else cells
    start = (memory.transpose(1, 2), weightings, features, given, counts)
    tensors = (addend, head_addend, recurrent, heads, *start, offers, counting)
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    features, weightings, memory, last, counts = _Recurrence.apply(options, learns, *tensors)
    return features, weightings, memory.transpose(1, 2), None if cells is None else last, counts


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
        room = scratch(weights, memory.shape, 0, H, options.shifts, options.writers, heads.shape[1])
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
        options.writers,
        options.followers,
        options.keys,
        options.shifts,
        (activations[options.key], activations[options.add]),
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
