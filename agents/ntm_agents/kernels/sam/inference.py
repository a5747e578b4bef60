"""The recurrence of a SAM without a backward pass: a step keeps only the state that the next one needs."""

from __future__ import annotations

import torch

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.sam.arguments import Store, Trail, scratch
from ntm_agents.kernels.sam.checks import check
from ntm_agents.kernels.sam.convert import Start, flat, result, settings, store, trail
from ntm_agents.kernels.sam.forward import forward
from ntm_agents.kernels.sam.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import arrays
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices

CACHE = 2**19
"""Bytes of memories that a tile has at most, if that leaves it more than one sequence."""


@torch.no_grad()
def infer(options: Options, inputs: Inputs, weights: Weights, state: State) -> Result:
    """Take T steps as :func:`ntm_agents.kernels.sam.recur` does, without gradients.

    Returns:
        Features of each step, and the state after the last one; no weightings of steps.

    Raises:
        ValueError: If a tensor does not fit the others.
    """
    check(inputs, weights, state)
    start = Start(*flat(inputs, weights, state)[5:])
    T, V = len(inputs.preactivations), state.reads.shape[1]
    kept, stored = trail(inputs, start, 1), store(start)
    recurrent, interface, planes = weights
    matrix, steps = matrices(recurrent, interface, start.features.shape[1] - V), Trail(*arrays(*kept))
    (normals,), places, given = arrays(planes.contiguous()), Store(*arrays(*stored)), settings(options, start)
    slots, size = start.memory.shape[1], tile(len(places.memory), places.memory[0].nbytes, CACHE)

    def loop(tiles: Array) -> None:
        forward(given, matrix, scratch(matrix, normals, steps, slots, size), tiles, places, steps)

    run(loop, size, T, places.memory, matrix)
    torch.autograd.graph.increment_version(kept.gates)  # an error for those who have saved it for backward
    last = Start(
        memory=stored.memory,
        weightings=kept.weightings[T % 2],
        slots=kept.slots[T % 2],
        usage=stored.usage,
        tables=stored.tables,
        features=kept.features[T],
        cells=kept.cells[T] if len(kept.cells) else start.cells,
    )
    return result(state, kept.features[1:], None, last)
