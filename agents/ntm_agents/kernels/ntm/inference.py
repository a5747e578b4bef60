"""The NTM's recurrence without a way back: nothing is kept of a step that the next one does not need."""

from __future__ import annotations

import numpy as np
import torch

from ntm_agents.kernels import recurrence
from ntm_agents.kernels.arithmetic import empty
from ntm_agents.kernels.cut import Cut
from ntm_agents.kernels.ntm.autograd import arrays, behind, fixed, flat, kind, result, scratch
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, Result, State, Weights

STEPS = 32
"""From one cut of the memory to the next. More of them need more slots, fewer of them more cuts."""
FEW = 8
"""So few steps cost less than a cut."""
CACHE = 2**19
"""So many bytes of memory matrices a tile has at most, if that leaves it more than one sequence."""


def infer(
    options: Options, inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None = None
) -> Result:
    """Take T steps as :func:`ntm_agents.kernels.ntm.recur` does, without gradients.

    Returns:
        Features of each step, and the state after the last one; no weightings of steps.
    """
    addend, head_addend, recurrent, heads, features, cells, counts, offers, counting = flat(
        inputs, weights, state, jumps
    )
    memory, weightings = state.memory, state.weightings
    T, H, shifts = len(addend), weightings.shape[1], options.shift_width
    all_features, all_counts = behind(features, T), behind(counts, T)
    all_cells = behind(cells, T) if len(cells) else addend.new_empty(0, 0, 0)
    params = head_addend.clone(memory_format=torch.contiguous_format)
    gates, given, offered = arrays(addend.contiguous(), params, offers.contiguous())
    seen, cell, counted = arrays(all_features, all_cells, all_counts)
    packed, settings, number = arrays(recurrent.t(), heads.t()), fixed(options, memory, 0), kind(memory)
    no_checkpoints = np.empty((0, 0, 0, 0), number)
    whole = cut = Cut.none(*weightings.shape[::2])
    given_slots = slots = memory.transpose(1, 2).contiguous().numpy()
    # Cut memories go to and fro between two places, as new ones would have to be cleared by the system.
    here, there = (empty((slots.size,), number) for _ in range(2))
    last = weightings.contiguous().numpy()
    for first in range(0, T, STEPS):
        end = min(first + STEPS, T)
        now, behind_it = slice(first, end), slice(first, end + 1)
        if T > FEW:
            before, steps = cut, end - first
            cut = before.best(slots, last, steps * (shifts - 1 - shifts // 2), steps * (shifts // 2))
            slots, last = before.change(cut, slots, there), before.change(cut, last)
            here, there = there, here
        if slots is given_slots:  # it belongs to the caller
            slots = there.reshape(slots.shape)
            slots[:] = given_slots
            here, there = there, here
        both = empty((2, *last.shape), number)  # the weightings before and behind a step, in turn
        both[0] = last
        room = scratch(packed, slots.shape, 0, H, shifts, options.write_heads, heads.shape[1], CACHE)
        parts = slots, gates[now], cell[behind_it], seen[behind_it], given[now], both
        rest = no_checkpoints, counted[behind_it], offered[now]
        recurrence.forward(
            *(*packed, *arrays(counting), *settings, room), cut.rest, number(cut.count), *parts, *rest
        )
        last = both[(end - first) % 2]
    after, final = (torch.from_numpy(cut.change(whole, rows)) for rows in (slots, last))
    cells = all_cells[T] if len(cells) else cells
    return result(
        state, all_features[1:], final, after.transpose(1, 2), cells, all_counts[T] if jumps else None
    )
