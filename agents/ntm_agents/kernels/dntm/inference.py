"""The recurrence of a D-NTM without a backward pass: a step keeps only the state that the next one needs."""

from __future__ import annotations

import torch

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.dntm.arguments import Trail, scratch
from ntm_agents.kernels.dntm.checks import check
from ntm_agents.kernels.dntm.convert import Start, flat, places, result, settings, trail
from ntm_agents.kernels.dntm.forward import forward
from ntm_agents.kernels.dntm.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import arrays
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices

CACHE = 2**19
"""Bytes of memories that a tile has at most, if that leaves it more than one sequence."""


@torch.no_grad()
def infer(options: Options, inputs: Inputs, weights: Weights, state: State) -> Result:
    """Take T steps as :func:`ntm_agents.kernels.dntm.recur` does, without gradients.

    Returns:
        Features of each step, and the state after the last one; no weightings of steps.

    Raises:
        ValueError: If a tensor or an option does not fit the others.
    """
    check(options, inputs, weights, state)
    tensors = flat(options, inputs, weights, state)
    *addends, soft, recurrent, output, rotation = tensors[:7]
    start = Start(*tensors[7:])
    T, heads = len(addends[0]), state.weightings.shape[1]
    given, kept = settings(options, start, heads, 0), trail(options, addends, soft, start, heads, 1, 0)
    matrix, shared = matrices(recurrent, output, output.shape[1]), places(start.addresses, rotation)
    memory, steps = start.memory.clone(memory_format=torch.contiguous_format), Trail(*arrays(*kept))
    stored = memory.numpy()
    size = tile(len(stored), stored[0].nbytes, CACHE)

    def loop(tiles: Array) -> None:
        forward(given, matrix, shared, scratch(matrix, given, shared, size), tiles, stored, steps)

    run(loop, size, T, stored, matrix)
    torch.autograd.graph.increment_version(kept.gates)  # an error for those who have saved it for backward
    V = (heads - options.write_heads) * start.addresses.shape[1]
    averages = kept.averages[T % 2] if options.lru else start.averages
    cells = kept.cells[T] if len(kept.cells) else start.cells
    found = kept.features[1:, :, V:], kept.features[1:, :, :V], kept.weightings
    return result(options, state, *found, (memory, averages, cells))._replace(weightings=None)
