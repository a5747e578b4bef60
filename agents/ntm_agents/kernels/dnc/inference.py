"""The DNC's recurrence without a backward pass: a step keeps only the state that the next one needs."""

from __future__ import annotations

import torch

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.dnc.arguments import Store, Trail
from ntm_agents.kernels.dnc.checks import check
from ntm_agents.kernels.dnc.convert import Start, flat, result, settings, trail
from ntm_agents.kernels.dnc.forward import forward
from ntm_agents.kernels.dnc.interface import Inputs, Options, Result, State, Weights
from ntm_agents.kernels.dnc.scratch import scratch
from ntm_agents.kernels.tensors import arrays
from ntm_agents.kernels.tiles import run, tile
from ntm_agents.kernels.weights import matrices

CACHE = 2**19
"""Bytes of memories and links that a tile has at most, if that leaves it more than one sequence."""


@torch.no_grad()
def infer(options: Options, inputs: Inputs, weights: Weights, state: State) -> Result:
    """Take T steps as :func:`ntm_agents.kernels.dnc.recur` does, without gradients.

    Returns:
        Features of each step, and the state after the last one; no weightings of steps.

    Raises:
        ValueError: If a tensor or an option does not fit the others.
    """
    check(options, inputs, weights, state)
    start = Start(*flat(inputs, weights, state)[4:])
    T, V = len(inputs.preactivations), state.reads.shape[1]
    given, kept = settings(options, start, 0), trail(inputs, start, 1, 0)
    store = Store(
        *(
            tensor.clone(memory_format=torch.contiguous_format)
            for tensor in (start.memory, start.links, start.columns)
        )
    )
    matrix, stored = matrices(*weights, start.features.shape[1] - V), Store(*arrays(*store))
    steps, each = Trail(*arrays(*kept)), stored.memory[0].nbytes + stored.links[0].nbytes
    size = tile(len(stored.memory), each, CACHE)

    def loop(tiles: Array) -> None:
        forward(given, matrix, scratch(matrix, given, stored, size), tiles, stored, steps)

    run(loop, size, T, stored.memory, matrix)
    torch.autograd.graph.increment_version(kept.gates)  # an error for those who have saved it for backward
    last = Start(
        memory=store.memory,
        weightings=kept.weightings[T % 2],
        usage=kept.usage[T % 2],
        precedence=kept.precedence[T % 2] if len(kept.precedence) else start.precedence,
        links=store.links,
        columns=store.columns,
        features=kept.features[T],
        cells=kept.cells[T] if len(kept.cells) else start.cells,
    )
    return result(state, kept.features[1:], None, last)
