"""The NTM's recurrence without a backward pass: a step keeps only the state that the next one needs."""

from __future__ import annotations

import numpy as np
import torch

from ntm_agents.kernels.arithmetic import Array, empty
from ntm_agents.kernels.cut import Cut
from ntm_agents.kernels.ntm.arguments import Counter, Matrices, Settings, Stand, Trail
from ntm_agents.kernels.ntm.checks import check
from ntm_agents.kernels.ntm.convert import flat, result, settings
from ntm_agents.kernels.ntm.forward import forward
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, Result, State, Weights
from ntm_agents.kernels.ntm.scratch import scratch
from ntm_agents.kernels.tensors import arrays, behind
from ntm_agents.kernels.tiles import run, tile

STEPS = 32
"""Steps from one cut of the memory to the next. More of them need more slots, fewer of them more cuts."""
FEW = 8
"""Steps that cost less than a cut."""
CACHE = 2**19
"""Bytes of memory matrices that a tile has at most, if that leaves it more than one sequence."""


@torch.no_grad()
def infer(
    options: Options, inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None = None
) -> Result:
    """Take T steps as :func:`ntm_agents.kernels.ntm.recur` does, without gradients.

    Returns:
        Features of each step, and the state after the last one; no weightings of steps.

    Raises:
        ValueError: If a tensor or an option does not fit the others.
    """
    check(options, inputs, weights, state, jumps)
    tensors = flat(inputs, weights, state, jumps)
    addend, head_addend, recurrent, heads, memory, weightings, features, cells, *counter = tensors
    T, left = len(addend), options.shift_width // 2
    trail = (
        addend.contiguous(),
        behind(cells, T) if len(cells) else cells.new_empty(0, 0, 0),
        behind(features, T),
        head_addend.clone(memory_format=torch.contiguous_format),
    )
    if counter:
        counts, offers, weight = counter
        counter = [weight.contiguous(), behind(counts, T), offers.contiguous()]
    gates, all_cells, seen, parameters = arrays(*trail)
    counting = Counter(*arrays(*counter)) if counter else None
    matrices = Matrices(*arrays(recurrent.contiguous(), heads.contiguous()))
    number = matrices.heads.dtype.type
    given = settings(options, heads.dtype, weightings.shape[1], memory.shape[1], 0)
    no_checkpoints = np.empty((0, 0, 0, 0), number)
    whole = cut = Cut.none(*weightings.shape[::2])
    given_slots = slots = memory.contiguous().numpy()
    # Cut memories go to and fro between two places, as new ones would have to be cleared by the system.
    here, there = (empty((slots.size,), number) for _ in range(2))
    last = weightings.contiguous().numpy()
    for first in range(0, T, STEPS):
        steps = min(STEPS, T - first)
        now, behind_it = slice(first, first + steps), slice(first, first + steps + 1)
        if T > FEW:
            before = cut
            cut = before.best(slots, last, steps * (options.shift_width - 1 - left), steps * left)
            slots, last = before.change(cut, slots, there), before.change(cut, last)
            here, there = there, here
        if slots is given_slots:  # it belongs to the caller
            slots = there.reshape(slots.shape)
            slots[:] = given_slots
            here, there = there, here
        both = empty((2, *last.shape), number)  # the weightings before and behind a step, in turn
        both[0] = last
        part = Trail(gates[now], all_cells[behind_it], seen[behind_it], parameters[now], both, no_checkpoints)
        counted = (
            Counter(counting.weight, counting.counts[behind_it], counting.offers[now]) if counting else None
        )
        stand = Stand(cut.rest, number(cut.count))
        _take(given, matrices, stand, slots, part, counted)
        last = both[steps % 2]
    torch.autograd.graph.increment_version(trail[0])  # an error for those who have saved it for backward
    after, final = (torch.from_numpy(cut.change(whole, rows)) for rows in (slots, last))
    cells = trail[1][T] if len(cells) else cells
    return result(state, trail[2][1:], final, after, cells, counter[1][T] if counter else None)


def _take(
    given: Settings,
    matrices: Matrices,
    stand: Stand,
    slots: Array,
    trail: Trail[Array],
    counter: Counter[Array] | None,
) -> None:
    """Take a piece of steps, which change the memory in its place."""
    size = tile(len(slots), slots[0].nbytes, CACHE)

    def loop(tiles: Array) -> None:
        room = scratch(matrices, given.layout, (size, *slots.shape[1:]))
        forward(given, matrices, room, tiles, stand, slots, trail, counter)

    run(loop, size, len(trail.gates), slots, matrices)
