"""Checks of the arguments of a D-NTM's recurrence, as the compiled loops would read and write out of bounds.

Shape letters are those of :mod:`ntm_agents.kernels.dntm.interface`.
"""

from __future__ import annotations

import torch

from ntm_agents.kernels.checks import check_integers, check_tensors, dimensions
from ntm_agents.kernels.dntm.interface import Inputs, Options, State, Weights


def check(options: Options, inputs: Inputs, weights: Weights, state: State) -> None:
    """Check that options and tensors fit together, and that these are on the CPU and of the same type.

    Raises:
        ValueError: If one does not; the message names it.
    """
    T, B, J = dimensions("inputs.preactivations", inputs.preactivations, 3)
    _, N, D = dimensions("state.memory", state.memory, 3)
    _, _, A = dimensions("state.addresses", state.addresses, 3)
    _, H, _ = dimensions("state.weightings", state.weightings, 3)
    parts, W = len(state.controller), options.write_heads
    if parts > 2:
        raise ValueError(f"state.controller has {parts} tensors; expected 2, 1 or none")
    gates = 4 if parts else 1
    C, R = J // gates, H - W
    if 0 in (T, B, C, N, D, A) or min(W, R) < 1 or A % 2:
        raise ValueError(
            f"there are {T} steps, {B} sequences, {C} hidden units, {W} write heads of {H}, {N} slots of {D} "
            f"values, and addresses of {A}; expected at least one each, a read head, and pairs in addresses"
        )
    _check_heads(options, H, R, N)
    P = H * (A + D + 1 + options.extras) + W * (2 * D + 1)
    seen = {"slot": R * (A + D), "content": R * D, "none": 0}[options.feedback]
    expected = [
        ("inputs.preactivations", inputs.preactivations, (T, B, gates * C)),
        ("inputs.parameters", inputs.parameters, (T, B, P)),
        ("inputs.contents", inputs.contents, (T, B, W * D)),
        ("weights.recurrent", weights.recurrent, (gates * C, seen + C if parts else seen)),
        ("weights.heads", weights.heads, (P, C)),
        ("weights.rotation", weights.rotation, (2, A // 2)),
        ("state.memory", state.memory, (B, N, D)),
        ("state.addresses", state.addresses, (1, N, A)),
        ("state.weightings", state.weightings, (B, H, N)),
        ("state.similarities", state.similarities, (B, H, N)),
        ("state.reads", state.reads, (B, R * (A + D))),
        *((f"state.controller[{i}]", part, (B, C)) for i, part in enumerate(state.controller)),
    ]
    check_tensors(
        "weights.heads",
        weights.heads.dtype,
        expected,
        f"inputs.preactivations have {tuple(inputs.preactivations.shape)}, state.memory "
        f"{tuple(state.memory.shape)}, state.addresses {tuple(state.addresses.shape)}, state.weightings "
        f"{tuple(state.weightings.shape)}, state.controller {parts} tensors, and the options are {options}",
    )
    if inputs.soft is not None:
        check_integers("inputs.soft", inputs.soft, (B,), torch.bool)


def _check_heads(options: Options, heads: int, readers: int, slots: int) -> None:
    """Check the options for each head, which the loops take for places in arrays."""
    follows, by_content = options.follows, options.by_content
    if len(follows) not in (0, heads) or not all(0 <= head <= readers for head in follows):
        raise ValueError(f"follows is {follows}; expected {heads} numbers from 0 to {readers}, or none")
    if len(by_content) not in (0, heads):
        raise ValueError(f"by_content is {by_content}; expected {heads} values, or none")
    if not 0 <= options.nop_slots <= slots:
        raise ValueError(f"nop_slots is {options.nop_slots}; expected 0 to {slots}, the number of slots")
