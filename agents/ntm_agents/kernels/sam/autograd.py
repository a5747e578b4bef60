"""The recurrence of a SAM as one function of autograd, computed by the compiled loops."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.sam.arguments import Gradients, Store, Trail, scratch
from ntm_agents.kernels.sam.backward import backward
from ntm_agents.kernels.sam.checks import check
from ntm_agents.kernels.sam.convert import Start, flat, result, settings, store, trail
from ntm_agents.kernels.sam.forward import forward
from ntm_agents.kernels.sam.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import arrays, copy_or_zeros, refuse_second_derivatives
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices, weight_gradients

CACHE = 2**18
"""Bytes of memories that a tile has at most, if that leaves it more than one sequence."""


def recur(options: Options, inputs: Inputs, weights: Weights, state: State) -> Result:
    """Take T steps, differentiably.

    Args:
        options: Options that the recurrence depends on.
        inputs: Addends; their pre-activations are overwritten.
        weights: Weights of the recurrence.
        state: State before the first step.

    Returns:
        Features and weightings of each step, and the state after the last one.

    Raises:
        ValueError: If a tensor does not fit the others.
        RuntimeError: In the backward pass, if it is to be differentiable itself (`create_graph`) or is
            vectorised (`is_grads_batched`).
    """
    check(inputs, weights, state)
    features, weightings, memory, slots, usage, tables, cells = _Recurrence.apply(
        options, *flat(inputs, weights, state)
    )
    last = Start(memory, weightings[-1], slots, usage, tables, features[-1], cells)
    return result(state, features, weightings, last)


class _Recurrence(torch.autograd.Function):
    """The loops forward and backward. Tensors are those of `flat`; so are gradients."""

    @staticmethod
    def forward(ctx: Any, options: Options, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, weights, start = Inputs(*tensors[:2]), Weights(*tensors[2:5]), Start(*tensors[5:])
        T, slots = len(inputs.preactivations), start.memory.shape[1]
        given, kept, stored = settings(options, start), trail(inputs, start, T), store(start)
        units = start.features.shape[1] - given.heads * given.width
        matrix, steps = matrices(weights.recurrent, weights.interface, units), Trail(*arrays(*kept))
        (normals,), places = arrays(weights.planes.contiguous()), Store(*arrays(*stored))
        size = tile(len(places.memory), places.memory[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            forward(given, matrix, scratch(matrix, normals, steps, slots, size), tiles, places, steps)

        run(loop, size, T, places.memory, matrix)
        torch.autograd.graph.increment_version(kept.gates)  # an error for others who have saved it
        ctx.settings, ctx.slots = given, slots
        ctx.save_for_backward(*weights, *kept)
        ctx.set_materialize_grads(False)
        last = kept.slots[T]
        ctx.mark_non_differentiable(last, stored.usage, stored.tables)
        return (
            *(kept.features[1:], kept.weightings[1:], stored.memory, last, stored.usage, stored.tables),
            kept.cells[T] if len(kept.cells) else start.cells,
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives(gradients)
        recurrent, interface, planes, *saved = ctx.saved_tensors
        kept, given = Trail(*saved), ctx.settings
        dfeatures, dweightings, dmemory, _, _, _, dcells = gradients
        B, V, recurs = kept.rows.shape[1], given.heads * given.width, len(kept.cells) > 0
        if dmemory is None:
            memory = recurrent.new_zeros(B, ctx.slots, given.width)
        else:
            memory = copy_or_zeros(dmemory, dmemory)
        mine = Gradients(
            features=torch.zeros_like(kept.features[1:]) if dfeatures is None else dfeatures.contiguous(),
            weightings=recurrent.new_empty(0, 0, 0, 0) if dweightings is None else dweightings.contiguous(),
            cells=copy_or_zeros(dcells, kept.cells[0]) if recurs else recurrent.new_empty(0, 0),
            memory=memory,
            weighting=torch.zeros_like(kept.weightings[0]),
            first=torch.empty_like(kept.features[0]),
            gates=torch.empty_like(kept.gates),
            parameters=torch.empty_like(kept.parameters),
        )
        weights = matrices(recurrent, interface, kept.features.shape[2] - V)
        steps, found, slots = Trail(*arrays(*kept)), Gradients(*arrays(*mine)), ctx.slots
        (normals,) = arrays(planes)
        size = tile(len(found.memory), found.memory[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            room = scratch(weights, normals, steps, slots, size, backward=True)
            backward(given, weights, room, tiles, steps, found)

        run(loop, size, len(steps.gates), found.memory, weights)
        with torch.autocast("cpu", enabled=False):  # in which backward may be called
            return (
                *(None, mine.gates, mine.parameters),
                *weight_gradients(recurrent, interface, kept.features, mine.gates, mine.parameters, V),
                *(None, mine.memory, mine.weighting, None, None, None),
                *(mine.first, mine.cells if recurs else None),
            )
