"""The recurrence of a MANN without a backward pass: a step keeps only the state that the next one needs."""

from __future__ import annotations

import torch

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.mann.arguments import Store, Trail, scratch
from ntm_agents.kernels.mann.checks import check
from ntm_agents.kernels.mann.convert import Start, flat, result, settings, store, trail
from ntm_agents.kernels.mann.forward import forward
from ntm_agents.kernels.mann.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.tensors import arrays
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices

CACHE = 2**19
"""Bytes of memories that a tile has at most, if that leaves it more than one sequence."""


@torch.no_grad()
def infer(options: Options, inputs: Inputs, weights: Weights, state: State) -> Result:
    """Take T steps as :func:`ntm_agents.kernels.mann.recur` does, without gradients.

    Returns:
        Features of each step, and the state after the last one; no weightings of steps.

    Raises:
        ValueError: If a tensor does not fit the others.
    """
    check(inputs, weights, state)
    start = Start(*flat(inputs, weights, state)[4:])
    T, (B, _, N), V = len(inputs.preactivations), start.memory.shape, state.reads.shape[1]
    given, kept, stored = settings(options, inputs, start, 0), trail(inputs, start, 1, 0), store(start)
    matrix, steps = matrices(*weights, start.features.shape[1] - V), Trail(*arrays(*kept))
    places = Store(*arrays(*stored))
    size = tile(B, places.memory[0].nbytes, CACHE)

    def loop(tiles: Array) -> None:
        forward(given, matrix, scratch(matrix, given, N, size), tiles, places, steps)

    run(loop, size, T, places.memory, matrix)
    torch.autograd.graph.increment_version(kept.gates)  # an error for those who have saved it for backward
    cells = kept.cells[T] if len(kept.cells) else start.cells
    last = Start(stored.memory, kept.weightings[T % 2], stored.usage, kept.features[T], cells)
    return result(state, kept.features[1:], None, last)
