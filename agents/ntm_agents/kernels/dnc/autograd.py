"""The DNC's recurrence as one function of autograd, computed by the compiled loops."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.dnc.arguments import Gradients, Settings, Store, Trail
from ntm_agents.kernels.dnc.backward import backward
from ntm_agents.kernels.dnc.checks import check
from ntm_agents.kernels.dnc.convert import Start, flat, result, settings, trail
from ntm_agents.kernels.dnc.forward import forward
from ntm_agents.kernels.dnc.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.dnc.scratch import scratch
from ntm_agents.kernels.tensors import arrays, copy_or_zeros, refuse_second_derivatives
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices, weight_gradients

CACHE = 2**18
"""Bytes of memories and links that a tile has at most, if that leaves it more than one sequence."""


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
        ValueError: If a tensor or an option does not fit the others.
        RuntimeError: In the backward pass, if it is to be differentiable itself (`create_graph`) or is
            vectorised (`is_grads_batched`).
    """
    check(options, inputs, weights, state)
    tensors = flat(inputs, weights, state)
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    features, weightings, memory, usage, precedence, links, columns, cells = _Recurrence.apply(
        options, learns, *tensors
    )
    last = Start(memory, weightings[-1], usage, precedence, links, columns, features[-1], cells)
    return result(state, features, weightings, last)


class _Recurrence(torch.autograd.Function):
    """The loops forward and backward. Tensors are those of `flat`; so are gradients."""

    @staticmethod
    def forward(ctx: Any, options: Options, learns: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        inputs, (recurrent, interface), start = Inputs(*tensors[:2]), tensors[2:4], Start(*tensors[4:])
        T, V = len(inputs.preactivations), start.memory.shape[1] * (start.weightings.shape[1] - 1)
        every = max(1, math.isqrt(T)) if learns else 0
        given, kept = settings(options, start, every), trail(inputs, start, T, every)
        store = Store(
            *(
                tensor.clone(memory_format=torch.contiguous_format)
                for tensor in (start.memory, start.links, start.columns)
            )
        )
        weights = matrices(recurrent, interface, start.features.shape[1] - V)
        stored, steps = Store(*arrays(*store)), Trail(*arrays(*kept))
        size = tile(len(stored.memory), stored.memory[0].nbytes + stored.links[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            forward(given, weights, scratch(weights, given, stored, size), tiles, stored, steps)

        run(loop, size, T, stored.memory, weights)
        torch.autograd.graph.increment_version(kept.gates)  # an error for others who have saved it
        if learns:
            ctx.settings = given
            ctx.save_for_backward(recurrent, interface, *kept)
            ctx.set_materialize_grads(False)
        precedence = kept.precedence[T] if len(kept.precedence) else start.precedence
        cells = kept.cells[T] if len(kept.cells) else start.cells
        ctx.mark_non_differentiable(store.columns)
        return (
            *(kept.features[1:], kept.weightings[1:], store.memory, kept.usage[T], precedence),
            *(store.links, store.columns, cells),
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives(gradients)
        recurrent, interface, *saved = ctx.saved_tensors
        kept, given = Trail(*saved), ctx.settings
        dfeatures, dweightings, dmemory, dusage, dprecedence, dlinks, _, dcells = gradients
        nothing = recurrent.new_empty(0, 0)
        linked, recurs = len(kept.precedence) > 0, len(kept.cells) > 0
        mine = Gradients(
            features=torch.zeros_like(kept.features[1:]) if dfeatures is None else dfeatures.contiguous(),
            weightings=recurrent.new_empty(0, 0, 0, 0) if dweightings is None else dweightings.contiguous(),
            cells=copy_or_zeros(dcells, kept.cells[0]) if recurs else nothing,
            memory=copy_or_zeros(dmemory, kept.memories[0]),
            links=copy_or_zeros(dlinks, kept.links[0]),
            precedence=copy_or_zeros(dprecedence, kept.precedence[0]) if linked else nothing,
            usage=copy_or_zeros(dusage, kept.usage[0]),
            weighting=torch.zeros_like(kept.weightings[0]),
            first=torch.empty_like(kept.features[0]),
            gates=torch.empty_like(kept.gates),
            parameters=torch.empty_like(kept.parameters),
        )
        _backward(given, recurrent, interface, kept, mine)
        with torch.autocast("cpu", enabled=False):  # in which backward may be called
            return (
                *(None, None, mine.gates, mine.parameters),
                *weight_gradients(
                    *(recurrent, interface, kept.features, mine.gates, mine.parameters),
                    given.layout.readers * given.layout.width,
                ),
                *(mine.memory, mine.weighting, mine.usage, mine.precedence if linked else None),
                *(mine.links, None, mine.first, mine.cells if recurs else None),
            )


def _backward(
    given: Settings, recurrent: Tensor, interface: Tensor, kept: Trail[Tensor], mine: Gradients[Tensor]
) -> None:
    """Call the backward loop."""
    units = kept.features.shape[2] - given.layout.readers * given.layout.width
    weights = matrices(recurrent, interface, units)
    store = Store(*arrays(mine.memory, mine.links, kept.columns[0]))
    steps, found = Trail(*arrays(*kept)), Gradients(*arrays(*mine))
    size = tile(len(store.memory), store.memory[0].nbytes + store.links[0].nbytes, CACHE)

    def loop(tiles: Array) -> None:
        room = scratch(weights, given, store, size, given.every + 1)
        backward(given, weights, room, tiles, steps, found)

    run(loop, size, len(steps.gates), store.memory, weights)
