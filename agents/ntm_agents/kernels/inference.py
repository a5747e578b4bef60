"""The NTM's recurrence without a way back: nothing is kept of a step that the next one does not need."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ntm_agents.kernels import recurrence
from ntm_agents.kernels.cut import Cut
from ntm_agents.kernels.ntm import Options, arrays, behind, fixed, kind, scratch

STEPS = 32
"""From one cut of the memory to the next. More of them need more slots, fewer of them more cuts."""
FEW = 8
"""So few steps cost less than a cut."""
CACHE = 2**19
"""So many bytes of memory matrices a tile has at most, if that leaves it more than one sequence."""


def infer(
    options: Options,
    addend: Tensor,
    head_addend: Tensor,
    recurrent: Tensor,
    heads: Tensor,
    memory: Tensor,
    weightings: Tensor,
    features: Tensor,
    cells: Tensor | None,
    counts: Tensor,
    offers: Tensor,
    counting: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
    """Take T steps: :func:`ntm_agents.kernels.ntm.recur` without gradients, whose arguments these are.

    Returns:
        The features ``[T, B, V + C]``, and what is there at the end: weightings ``[B, H, N]``, memory
        ``[B, N, M]``, cells and counters.
    """
    T, left = len(addend), options.shifts - 1 - options.shifts // 2
    params = head_addend.clone(memory_format=torch.contiguous_format)
    all_features, all_counts = behind(features, T), behind(counts, T)
    all_cells = addend.new_empty(0, 0, 0) if cells is None else behind(cells, T)
    gates, cell, feature, param, count, offer = arrays(
        addend.contiguous(), all_cells, all_features, params, all_counts, offers.contiguous()
    )
    weights, settings, number = arrays(recurrent.t(), heads.t()), fixed(options, memory, 0), kind(memory)
    room_for = weightings.shape[1], options.shifts, options.writers, heads.shape[1], CACHE
    none = np.empty((0, 0, 0, 0), number)
    rows = memory.transpose(1, 2).clone(memory_format=torch.contiguous_format).numpy()
    last, cut = weightings.contiguous().numpy(), Cut.none(*weightings.shape[::2])
    for first in range(0, T, STEPS):
        end = min(first + STEPS, T)
        if T > FEW:
            steps = end - first
            wanted = cut.best(rows, last, steps * left, steps * (options.shifts // 2))
            rows, last, cut = cut.change(wanted, rows), cut.change(wanted, last), wanted
        pair = np.empty((2, *last.shape), number)
        pair[0] = last
        room = scratch(weights, rows.shape, 0, *room_for)
        recurrence.forward(
            *weights,
            *arrays(counting),
            *settings,
            room,
            cut.rest,
            number(cut.count),
            rows,
            gates[first:end],
            cell[first : end + 1],
            feature[first : end + 1],
            param[first:end],
            pair,
            none,
            count[first : end + 1],
            offer[first:end],
        )
        last = pair[(end - first) % 2]
    whole = Cut.none(*weightings.shape[::2])
    rows, last = (torch.from_numpy(cut.change(whole, part)) for part in (rows, last))
    return all_features[1:], last, rows.transpose(1, 2), None if cells is None else all_cells[T], all_counts[T]
