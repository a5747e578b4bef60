"""Checks of the arguments of the NTM's recurrence, as the compiled loops would read and write out of bounds.

Shape letters are those of :mod:`ntm_agents.kernels.ntm.interface`.
"""

from __future__ import annotations

from ntm_agents.kernels.checks import Expected, check_tensors, dimensions
from ntm_agents.kernels.ntm.interface import Inputs, Jumps, Options, State, Weights


def check(options: Options, inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None) -> None:
    """Check that all tensors fit together, are on the CPU, and are all float32 or all float64.

    Raises:
        ValueError: If one does not; the message names it.
    """
    check_tensors(
        "weights.heads",
        weights.heads.dtype,
        _expected(options, inputs, weights, state, jumps),
        f"inputs.preactivations have {tuple(inputs.preactivations.shape)}, state.memory "
        f"{tuple(state.memory.shape)}, state.weightings {tuple(state.weightings.shape)}, weights.heads "
        f"{tuple(weights.heads.shape)}, and the options are {options}",
    )


def _expected(
    options: Options, inputs: Inputs, weights: Weights, state: State, jumps: Jumps | None
) -> Expected:
    """Return name and expected shape of each tensor, after a check of what shapes are derived from."""
    T, B = dimensions("inputs.preactivations", inputs.preactivations, 3)[:2]
    _, N, M = dimensions("state.memory", state.memory, 3)
    _, H, _ = dimensions("state.weightings", state.weightings, 3)
    P, C = dimensions("weights.heads", weights.heads, 2)
    W, K, S, followers = options.write_heads, options.key_width, options.shift_width, options.followers
    if 0 in (T, B, C):
        raise ValueError(
            f"there are {T} steps, {B} sequences and {C} hidden units; expected at least one each"
        )
    for name, value, least, most in (
        ("write_heads", W, 1, H - 1),
        ("key_width", K, 1, M),
        ("shift_width", S, 2, N),
        ("followers", followers, 0, min(W, H - W)),
        ("erasers", options.erasers, 0, W),
        ("erase_limit", options.erase_limit, 1, 2),
    ):
        if not least <= value <= most:
            raise ValueError(f"options.{name} is {value}; expected {least} to {most}")
    if len(state.controller) not in (0, 2):
        raise ValueError(f"state.controller has {len(state.controller)} tensors; expected 2, or none")
    addressing = H * (K + 3 + S)
    if P - addressing not in (W * M, 2 * W * M):
        raise ValueError(
            f"weights.heads has {P} rows; expected {addressing + W * M} or {addressing + 2 * W * M}"
        )
    R, V = H - W, (H - W) * M
    columns, gates = (V + C, 4 * C) if state.controller else (V, C)
    found = [
        ("inputs.preactivations", inputs.preactivations, (T, B, gates)),
        ("inputs.parameters", inputs.parameters, (T, B, P)),
        ("weights.recurrent", weights.recurrent, (gates, columns)),
        ("weights.heads", weights.heads, (P, C)),
        ("state.memory", state.memory, (B, N, M)),
        ("state.weightings", state.weightings, (B, H, N)),
        ("state.reads", state.reads, (B, V)),
        *((f"state.controller[{i}]", part, (B, C)) for i, part in enumerate(state.controller)),
    ]
    if jumps:
        found += [
            ("jumps.gates", jumps.gates, (T, B, R)),
            ("jumps.weight", jumps.weight, (R, V)),
            ("jumps.counts", jumps.counts, (B,)),
            ("jumps.offers", jumps.offers, (T, B)),
            ("jumps.counting", jumps.counting, (gates,)),
        ]
    return found
