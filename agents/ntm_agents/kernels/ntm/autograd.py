"""The NTM's recurrence as one function of autograd, computed by the compiled loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.gradients import products
from ntm_agents.kernels.ntm.arguments import (
    Counter,
    CounterGradients,
    Gradients,
    Matrices,
    Settings,
    Stand,
    Trail,
)
from ntm_agents.kernels.ntm.backward import backward
from ntm_agents.kernels.ntm.checks import check
from ntm_agents.kernels.ntm.convert import flat, result, settings
from ntm_agents.kernels.ntm.forward import forward
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, Result, State, Weights
from ntm_agents.kernels.ntm.scratch import scratch
from ntm_agents.kernels.tensors import arrays, behind, copy_or_zeros, refuse_second_derivatives
from ntm_agents.kernels.tiles import run, tile

CACHE = 2**17
"""Bytes of memory matrices that a tile has at most, if that leaves it more than one sequence."""


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

    Raises:
        ValueError: If a tensor or an option does not fit the others.
        RuntimeError: In the backward pass, if it is to be differentiable itself (`create_graph`) or is
            vectorised (`is_grads_batched`).
    """
    check(options, inputs, weights, state, jumps)
    tensors = flat(inputs, weights, state, jumps)
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    features, weightings, memory, cells, *counts = _Recurrence.apply(options, learns, *tensors)
    return result(state, features, weightings, memory, cells, counts[0] if counts else None)


class _Recurrence(torch.autograd.Function):
    """The loops forward and backward. Tensors are those of `flat`; so are gradients."""

    @staticmethod
    def forward(ctx: Any, options: Options, learns: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        addend, head_addend, recurrent, heads, memory, weightings, features, cells, *counter = tensors
        T = len(addend)
        every = max(1, math.isqrt(T))
        checkpoints = memory.new_empty(-(-T // every) if learns else 0, *memory.shape)
        memory = memory.clone(memory_format=torch.contiguous_format)
        trail = (
            addend.contiguous(),
            behind(cells, T) if len(cells) else cells.new_empty(0, 0, 0),
            behind(features, T),
            head_addend.clone(memory_format=torch.contiguous_format),
            behind(weightings, T),
            checkpoints,
        )
        if counter:
            counts, offers, weight = counter
            counter = [weight.contiguous(), behind(counts, T), offers.contiguous()]
        given = settings(options, heads.dtype, weightings.shape[1], memory.shape[1], every if learns else 0)
        matrices = Matrices(*arrays(recurrent.contiguous(), heads.contiguous()))
        stored, steps = memory.numpy(), Trail(*arrays(*trail))
        whole = Stand(np.zeros(len(stored), np.int64), matrices.heads.dtype.type(0))
        counting = Counter(*arrays(*counter)) if counter else None
        size = tile(len(stored), stored[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            room = scratch(matrices, given.layout, (size, *stored.shape[1:]))
            forward(given, matrices, room, tiles, whole, stored, steps, counting)

        run(loop, size, T, stored, matrices)
        torch.autograd.graph.increment_version(trail[0])  # an error for others who have saved it for backward
        if learns:
            ctx.settings = given
            ctx.save_for_backward(recurrent, heads, *trail, *counter)
            ctx.set_materialize_grads(False)
        last = trail[1][T] if len(cells) else cells
        results = trail[2][1:], trail[4][1:], memory, last
        return (*results, counter[1][T]) if counter else results

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives(gradients)
        recurrent, heads, *saved = ctx.saved_tensors
        trail, counter = Trail(*saved[:6]), Counter(*saved[6:]) if saved[6:] else None
        given: Settings = ctx.settings
        dfeatures, dweightings, dmemory, dcells, *dcounts = gradients
        like = recurrent
        mine = Gradients(
            features=torch.zeros_like(trail.features[1:]) if dfeatures is None else dfeatures.contiguous(),
            weightings=like.new_empty(0, 0, 0, 0) if dweightings is None else dweightings.contiguous(),
            cells=copy_or_zeros(dcells, trail.cells[0] if len(trail.cells) else like.new_empty(0, 0)),
            memory=copy_or_zeros(dmemory, trail.checkpoints[0]),
            weighting=torch.zeros_like(trail.weightings[0]),
            first=torch.empty_like(trail.features[0]),
            gates=torch.empty_like(trail.gates),
            parameters=torch.empty_like(trail.parameters),
        )
        counting, dcounter = None, None
        if counter:
            counting = Counter(*arrays(*counter))
            dcounter = CounterGradients(
                counts=copy_or_zeros(dcounts[0], counter.counts[0]), offers=torch.empty_like(counter.offers)
            )
        matrices = Matrices(*arrays(recurrent.contiguous(), heads.contiguous()))
        steps, found = Trail(*arrays(*trail)), Gradients(*arrays(*mine))
        dcounting = CounterGradients(*arrays(*dcounter)) if dcounter else None
        size = tile(len(found.memory), found.memory[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            room = scratch(matrices, given.layout, (size, *found.memory.shape[1:]), given.every + 1)
            backward(given, matrices, room, tiles, steps, found, counting, dcounting)

        run(loop, size, len(steps.gates), found.memory, matrices)
        with torch.autocast("cpu", enabled=False):  # in which backward may be called
            results = (
                *(None, None, mine.gates, mine.parameters, *_weight_gradients(recurrent, heads, trail, mine)),
                *(mine.memory, mine.weighting, mine.first, mine.cells if len(trail.cells) else None),
            )
            if not (counter and dcounter):
                return results
            seen = mine.gates.flatten(0, 1)[:, : len(counter.weight)]
            dweight = functional.softsign(counter.counts[1:]).view(-1) @ seen
            return *results, dcounter.counts, dcounter.offers, dweight


def _weight_gradients(
    recurrent: Tensor, heads: Tensor, trail: Trail[Tensor], gradients: Gradients[Tensor]
) -> tuple[Tensor, Tensor]:
    """Return gradients of the weights, as products over all steps and sequences."""
    before, after = trail.features[:-1].flatten(0, 1), trail.features[1:].flatten(0, 1)
    dgates, dparameters = gradients.gates.flatten(0, 1), gradients.parameters.flatten(0, 1)
    seen = after[:, after.shape[1] - heads.shape[1] :]
    drecurrent, dheads = products((dgates, before[:, : recurrent.shape[1]]), (dparameters, seen))
    return drecurrent, dheads
