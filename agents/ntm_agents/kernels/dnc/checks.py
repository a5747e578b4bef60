"""Checks of the arguments of the DNC's recurrence, as the compiled loops would read and write out of bounds.

Shape letters are those of :mod:`ntm_agents.kernels.dnc.interface`.
"""

from __future__ import annotations

from ntm_agents.kernels.checks import Expected, check_indices, check_integers, check_tensors, dimensions
from ntm_agents.kernels.dnc.interface import Inputs, Options, State, Weights
from ntm_agents.kernels.dnc.parameters import layout


def check(options: Options, inputs: Inputs, weights: Weights, state: State) -> None:
    """Check that all tensors fit together, are on the CPU, and are all float32 or all float64.

    Raises:
        ValueError: If one does not, or a column of sparse links is no slot; the message names it.
    """
    check_tensors(
        "weights.interface",
        weights.interface.dtype,
        _expected(options, inputs, weights, state),
        f"inputs.preactivations have {tuple(inputs.preactivations.shape)}, state.memory "
        f"{tuple(state.memory.shape)}, state.weightings {tuple(state.weightings.shape)}, and the options "
        f"are {options}",
    )
    if len(state.links) == 3:
        _, entries, columns = state.links
        check_integers("state.links[2]", columns, entries.shape)
        check_indices("state.links[2]", columns, state.memory.shape[1])


def _expected(options: Options, inputs: Inputs, weights: Weights, state: State) -> Expected:
    """Return name and expected shape of each tensor, after a check of what shapes are derived from."""
    T, B, J = dimensions("inputs.preactivations", inputs.preactivations, 3)
    _, N, M = dimensions("state.memory", state.memory, 3)
    _, H, _ = dimensions("state.weightings", state.weightings, 3)
    _, seen = dimensions("weights.interface", weights.interface, 2)
    if len(state.controller) not in (0, 2):
        raise ValueError(f"state.controller has {len(state.controller)} tensors; expected 2, or none")
    if len(state.links) not in (0, 2, 3):
        raise ValueError(f"state.links has {len(state.links)} tensors; expected 2, 3 or none")
    if options.link_sharpening and not state.links:
        raise ValueError("options.link_sharpening is True; expected False, as there are no links")
    gates = 4 if state.controller else 1
    C, R = J // gates, H - 1
    if 0 in (T, B, C, N, M) or R < 1:
        raise ValueError(
            f"there are {T} steps, {B} sequences, {C} hidden units, {R} read heads and {N} slots of {M} "
            "values; expected at least one each"
        )
    V = R * M
    P = layout(R, M, options.masking, bool(state.links), options.link_sharpening).size
    rows = [
        ("inputs.preactivations", inputs.preactivations, (T, B, gates * C)),
        ("inputs.vectors", inputs.vectors, (T, B, P)),
        ("weights.recurrent", weights.recurrent, (gates * C, V + C if state.controller else V)),
        ("weights.interface", weights.interface, (P, V + C if seen == V + C else C)),
        ("state.memory", state.memory, (B, N, M)),
        ("state.weightings", state.weightings, (B, H, N)),
        ("state.usage", state.usage, (B, N)),
        ("state.reads", state.reads, (B, V)),
        *((f"state.controller[{i}]", part, (B, C)) for i, part in enumerate(state.controller)),
    ]
    if state.links:
        K = N
        if len(state.links) == 3:
            K = dimensions("state.links[1]", state.links[1], 3)[2]
            if not 1 <= K <= N:
                raise ValueError(f"state.links[1] has {K} entries a row; expected 1 to {N}, the slots")
        rows += [("state.links[0]", state.links[0], (B, N)), ("state.links[1]", state.links[1], (B, N, K))]
    return rows
