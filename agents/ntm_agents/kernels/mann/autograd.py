"""The recurrence of a MANN as one function of autograd, computed by the compiled loops."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.mann.arguments import Gradients, Store, Trail, scratch
from ntm_agents.kernels.mann.backward import backward
from ntm_agents.kernels.mann.checks import check
from ntm_agents.kernels.mann.convert import Start, flat, result, settings, store, trail
from ntm_agents.kernels.mann.forward import forward
from ntm_agents.kernels.mann.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import arrays, copy_or_zeros, refuse_second_derivatives
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices, weight_gradients

CACHE = 2**17
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
    tensors = flat(inputs, weights, state)
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    features, weightings, memory, usage, cells = _Recurrence.apply(options, learns, *tensors)
    return result(state, features, weightings, Start(memory, weightings[-1], usage, features[-1], cells))


class _Recurrence(torch.autograd.Function):
    """The loops forward and backward. Tensors are those of `flat`; so are gradients."""

    @staticmethod
    def forward(ctx: Any, options: Options, learns: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, (recurrent, heads), start = Inputs(*tensors[:2]), tensors[2:4], Start(*tensors[4:])
        T, (B, M, N) = len(inputs.preactivations), start.memory.shape
        given = settings(options, inputs, start, max(1, math.isqrt(T)) if learns else 0)
        kept, stored = trail(inputs, start, T, given.every), store(start)
        weights = matrices(recurrent, heads, start.features.shape[1] - given.heads * M)
        places, steps = Store(*arrays(*stored)), Trail(*arrays(*kept))
        size = tile(B, places.memory[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            forward(given, weights, scratch(weights, given, N, size), tiles, places, steps)

        run(loop, size, T, places.memory, weights)
        torch.autograd.graph.increment_version(kept.gates)  # an error for others who have saved it
        if learns:
            ctx.settings = given
            ctx.save_for_backward(recurrent, heads, *kept)
            ctx.set_materialize_grads(False)
        return (
            *(kept.features[1:], kept.weightings[1:], *stored),
            kept.cells[T] if len(kept.cells) else start.cells,
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives(gradients)
        recurrent, heads, *saved = ctx.saved_tensors
        kept, given = Trail(*saved), ctx.settings
        dfeatures, dweightings, dmemory, dusage, dcells = gradients
        V, recurs = given.heads * given.width, len(kept.cells) > 0
        mine = Gradients(
            features=torch.zeros_like(kept.features[1:]) if dfeatures is None else dfeatures.contiguous(),
            weightings=recurrent.new_empty(0, 0, 0, 0) if dweightings is None else dweightings.contiguous(),
            cells=copy_or_zeros(dcells, kept.cells[0]) if recurs else recurrent.new_empty(0, 0),
            memory=copy_or_zeros(dmemory, kept.memories[0]),
            usage=copy_or_zeros(dusage, kept.weightings[0, :, 0]),
            weighting=torch.zeros_like(kept.weightings[0]),
            first=torch.empty_like(kept.features[0]),
            gates=torch.empty_like(kept.gates),
            parameters=torch.empty_like(kept.parameters),
        )
        weights = matrices(recurrent, heads, kept.features.shape[2] - V)
        steps, found = Trail(*arrays(*kept)), Gradients(*arrays(*mine))
        B, _, N = found.memory.shape
        size = tile(B, found.memory[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            room = scratch(weights, given, N, size, backward=True)
            backward(given, weights, room, tiles, steps, found)

        run(loop, size, len(steps.gates), found.memory, weights)
        with torch.autocast("cpu", enabled=False):  # in which backward may be called
            return (
                *(None, None, mine.gates, mine.parameters),
                *weight_gradients(recurrent, heads, kept.features, mine.gates, mine.parameters, V, V),
                *(mine.memory, mine.weighting, mine.usage, mine.first, mine.cells if recurs else None),
            )
