"""Checks of the arguments of a MANN's recurrence, as the compiled loops would read and write out of bounds.

Shape letters are those of :mod:`ntm_agents.kernels.mann.interface`.
"""

from __future__ import annotations

from ntm_agents.kernels.checks import check_tensors, dimensions
from ntm_agents.kernels.mann.interface import Inputs, State, Weights


def check(inputs: Inputs, weights: Weights, state: State) -> None:
    """Check that all tensors fit together, are on the CPU, and are all float32 or all float64.

    Raises:
        ValueError: If one does not; the message names it.
    """
    T, B, J = dimensions("inputs.preactivations", inputs.preactivations, 3)
    _, N, M = dimensions("state.memory", state.memory, 3)
    _, H, _ = dimensions("state.weightings", state.weightings, 3)
    P, seen = dimensions("weights.heads", weights.heads, 2)
    parts = len(state.controller)
    if parts > 2:
        raise ValueError(f"state.controller has {parts} tensors; expected 2, 1 or none")
    gates = 4 if parts == 2 else 1
    C, R = J // gates, H // 2
    if 0 in (T, B, C, R, M) or R > N:
        raise ValueError(
            f"there are {T} steps, {B} sequences, {C} hidden units, and {R} heads for {N} slots of {M} "
            "values; expected at least one each, and at least as many slots as heads"
        )
    V, strengths = R * M, P == R * (M + 2)
    delayed = parts == 1 or (parts == 2 and seen == 2 * C)
    expected = [
        ("inputs.preactivations", inputs.preactivations, (T, B, gates * C)),
        ("inputs.parameters", inputs.parameters, (T, B, P)),
        ("weights.recurrent", weights.recurrent, (gates * C, V + C if parts == 2 else V)),
        ("weights.heads", weights.heads, (R * (M + 1 + strengths), (1 + delayed) * C)),
        ("state.memory", state.memory, (B, N, M)),
        ("state.weightings", state.weightings, (B, 2 * R, N)),
        ("state.usage", state.usage, (B, N)),
        ("state.reads", state.reads, (B, V)),
        *((f"state.controller[{i}]", part, (B, C)) for i, part in enumerate(state.controller)),
    ]
    check_tensors(
        "weights.heads",
        weights.heads.dtype,
        expected,
        f"inputs.preactivations have {tuple(inputs.preactivations.shape)}, state.memory "
        f"{tuple(state.memory.shape)}, state.weightings {tuple(state.weightings.shape)}, and "
        f"state.controller {parts} tensors",
    )
