"""Checks of the arguments of a SAM's recurrence, as the compiled loops would read and write out of bounds.

Shape letters are those of :mod:`ntm_agents.kernels.sam.interface`.
"""

from __future__ import annotations

import torch

from ntm_agents.kernels.checks import check_indices, check_integers, check_tensors, dimensions
from ntm_agents.kernels.hashed import LINE, WEAK
from ntm_agents.kernels.sam.interface import Inputs, State, Weights


def check(inputs: Inputs, weights: Weights, state: State) -> None:
    """Check that all tensors fit together, are on the CPU, and are all float32 or all float64.

    Raises:
        ValueError: If one does not, or a slot is none; the message names it.
    """
    T, B, J = dimensions("inputs.preactivations", inputs.preactivations, 3)
    _, N, M = dimensions("state.memory", state.memory, 3)
    _, H, K = dimensions("state.weightings", state.weightings, 3)
    _, seen = dimensions("weights.interface", weights.interface, 2)
    if len(state.tables) > 1:
        raise ValueError(f"state.tables has {len(state.tables)} tensors; expected 1, or none")
    _, L, buckets, _ = dimensions("state.tables[0]", state.tables[0], 4) if state.tables else (B, 0, 1, LINE)
    signs = buckets.bit_length() - 1
    if len(state.controller) not in (0, 2):
        raise ValueError(f"state.controller has {len(state.controller)} tensors; expected 2, or none")
    gates = 4 if state.controller else 1
    C, V, P = J // gates, H * M, H * (2 * M + 3)
    if 0 in (T, B, C, H, M) or not H <= N or not 1 <= K <= N:
        raise ValueError(
            f"there are {T} steps, {B} sequences, {C} hidden units, and {H} heads that read {K} of {N} slots "
            f"of {M} values; expected at least one each, and at least as many slots as heads and reads"
        )
    shapes = (
        f"inputs.preactivations have {tuple(inputs.preactivations.shape)}, state.memory "
        f"{tuple(state.memory.shape)} and state.weightings {tuple(state.weightings.shape)}"
    )
    expected = [
        ("inputs.preactivations", inputs.preactivations, (T, B, gates * C)),
        ("inputs.vectors", inputs.vectors, (T, B, P)),
        ("weights.recurrent", weights.recurrent, (gates * C, V + C if state.controller else V)),
        ("weights.interface", weights.interface, (P, V + C if seen == V + C else C)),
        ("weights.planes", weights.planes, (L * signs, M)),
        ("state.memory", state.memory, (B, N, M)),
        ("state.weightings", state.weightings, (B, H, K)),
        ("state.reads", state.reads, (B, V)),
        *((f"state.controller[{i}]", part, (B, C)) for i, part in enumerate(state.controller)),
    ]
    check_tensors("weights.interface", weights.interface.dtype, expected, shapes)
    check_integers("state.slots", state.slots, (B, H, K))
    check_integers("state.usage", state.usage, (B, N))
    check_indices("state.slots", state.slots, N)
    for tables in state.tables:
        check_integers("state.tables[0]", tables, (B, max(1, L), 2 ** max(WEAK, signs), LINE), torch.int32)
