"""The recurrence of a D-NTM as one function of autograd, computed by the compiled loops."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.dntm.arguments import Gradients, Trail, scratch
from ntm_agents.kernels.dntm.backward import backward
from ntm_agents.kernels.dntm.checks import check
from ntm_agents.kernels.dntm.convert import Start, flat, places, result, settings, trail
from ntm_agents.kernels.dntm.forward import forward
from ntm_agents.kernels.dntm.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.gradients import products
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
        ValueError: If a tensor or an option does not fit the others.
        RuntimeError: In the backward pass, if it is to be differentiable itself (`create_graph`) or is
            vectorised (`is_grads_batched`).
    """
    check(options, inputs, weights, state)
    tensors = flat(options, inputs, weights, state)
    learns = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    heads = state.weightings.shape[1]
    features, places_, weightings, *last = _Recurrence.apply(options, heads, learns, *tensors)
    return result(options, state, features, places_, weightings, tuple(last))


class _Recurrence(torch.autograd.Function):
    """The loops forward and backward. Tensors are those of `flat`; so are gradients."""

    @staticmethod
    def forward(ctx: Any, options: Options, heads: int, learns: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        *addends, soft, recurrent, output, rotation = tensors[:7]
        start = Start(*tensors[7:])
        T, B = len(addends[0]), len(start.memory)
        given = settings(options, start, heads, max(1, math.isqrt(T)) if learns else 0)
        kept = trail(options, addends, soft, start, heads, T, given.every)
        memory = start.memory.clone(memory_format=torch.contiguous_format)
        weights, shared = matrices(recurrent, output, output.shape[1]), places(start.addresses, rotation)
        steps, stored = Trail(*arrays(*kept)), memory.numpy()
        size = tile(B, stored[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            forward(given, weights, shared, scratch(weights, given, shared, size), tiles, stored, steps)

        run(loop, size, T, stored, weights)
        torch.autograd.graph.increment_version(kept.gates)  # an error for others who have saved it
        if learns:
            ctx.settings = given
            ctx.save_for_backward(recurrent, output, rotation, start.addresses, *kept)
            ctx.set_materialize_grads(False)
        V = (heads - options.write_heads) * start.addresses.shape[1]
        averages = kept.averages[T] if options.lru else start.averages
        if not ctx.needs_input_grad[-3]:  # they have no other gradients than the first ones
            ctx.mark_non_differentiable(averages)
        return (
            *(kept.features[1:, :, V:], kept.features[1:, :, :V], kept.weightings, memory, averages),
            kept.cells[T] if len(kept.cells) else start.cells,
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_second_derivatives(gradients)
        recurrent, output, rotation, addresses, *saved = ctx.saved_tensors
        kept, given = Trail(*saved), ctx.settings
        dfeatures, dplaces, dweightings, dmemory, daverages, dcells = gradients
        layout, (N, A), (T, B, *_) = given.layout, addresses.shape, kept.gates.shape
        R, recurs, learned = layout.heads - layout.writers, len(kept.cells) > 0, ctx.needs_input_grad[-4]
        steps_kept, new, queries = T if learned else 1, recurrent.new_empty, len(given.queries.sources)
        like = kept.features[1:, :, R * A :]
        mine = Gradients(
            features=recurrent.new_zeros(like.shape) if dfeatures is None else dfeatures.contiguous(),
            places=new(0, 0, 0) if dplaces is None else dplaces.contiguous(),
            weightings=new(0, 0, 0, 0) if dweightings is None else dweightings.contiguous(),
            cells=copy_or_zeros(dcells, kept.cells[0]) if recurs else new(0, 0),
            memory=copy_or_zeros(dmemory, kept.memories[0]),
            averages=copy_or_zeros(daverages, kept.averages[0]) if layout.lru else new(0, 0, 0),
            first=torch.empty_like(kept.features[0]),
            gates=torch.empty_like(kept.gates),
            parameters=torch.empty_like(kept.parameters),
            contents=torch.empty_like(kept.contents),
            dots=new(steps_kept, B * queries, N),
            reads=new(steps_kept, B * R, A),
            norms=recurrent.new_zeros(B, N),
            rotation=recurrent.new_zeros(B, *rotation.shape),
        )
        weights, shared = matrices(recurrent, output, output.shape[1]), places(addresses, rotation)
        steps, found = Trail(*arrays(*kept)), Gradients(*arrays(*mine))
        size = tile(B, found.memory[0].nbytes, CACHE)

        def loop(tiles: Array) -> None:
            room = scratch(weights, given, shared, size, backward=True)
            backward(given, weights, shared, room, tiles, steps, found)

        run(loop, size, T, found.memory, weights)
        V = R * (A + layout.width)
        with torch.autocast("cpu", enabled=False):  # in which backward may be called
            return (
                *(None, None, None, mine.gates, mine.parameters, mine.contents, None),
                *weight_gradients(
                    recurrent, output, kept.features, mine.gates, mine.parameters, V, below=given.seen
                ),
                *(mine.rotation.sum(0), mine.memory),
                _address_gradient(addresses, kept, mine, layout.writers) if learned else None,
                *(mine.averages if layout.lru else None, mine.first, mine.cells if recurs else None),
            )


def _address_gradient(
    addresses: Tensor, trail: Trail[Tensor], gradients: Gradients[Tensor], writers: int
) -> Tensor:
    """Return the gradient of addresses ``[N, A]``, as products over all steps and sequences."""
    reading = trail.weightings[:, :, writers:].flatten(0, 2)
    of_reads, of_queries = (
        products((left, right))[0]
        for left, right in (
            (reading, gradients.reads.flatten(0, 1)),
            (gradients.dots.flatten(0, 1), trail.queries.flatten(0, 1)),
        )
    )
    return of_reads + of_queries + gradients.norms.sum(0).unsqueeze(1) * addresses
