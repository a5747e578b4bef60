"""Look-ups by content of the heads of a DNC, forward and backward.

Heads that look into the same memory are compared with it together: the write head before the write, the
read heads after it.

Shape letters: N slots, M width of a slot, H = 1 + R heads, the write head first, P values of the interface.
"""

from __future__ import annotations

from typing import NamedTuple

from ntm_agents.kernels.activations import softmax_of_used
from ntm_agents.kernels.arithmetic import Array, zero
from ntm_agents.kernels.compilation import inline
from ntm_agents.kernels.content import Epsilons, divide_by_norms, look_up, look_up_backward
from ntm_agents.kernels.dnc.parameters import Layout
from ntm_agents.kernels.masked_content import (
    compare_masked,
    compare_masked_backward,
    mask_key,
    mask_key_backward,
)


class Comparison(NamedTuple):
    """Scratch of look-ups, whose row i is that of the i-th of the heads that are compared."""

    dots: Array
    """Dot products of keys and slots, then similarities ``[H, N]``."""
    ddots: Array
    """Gradients of the weightings by content, then of the dot products ``[H, N]``."""
    norms: Array
    """Norms of slots ``[H, N]``; without masks only the first row."""
    dnorms: Array
    """``[H, N]``."""
    keys: Array
    """Masked keys ``[H, M]``."""
    dkeys: Array
    """``[H, M]``."""
    squares: Array
    """Squares of masks ``[H, M]``."""
    dsquares: Array
    """``[H, M]``."""
    key_norms: Array
    """Norms of keys ``[H]``."""
    dkey_norms: Array
    """``[H]``."""


@inline
def compare_heads(
    first: int, behind: int, p: Array, layout: Layout, epsilons: Epsilons, own: Comparison, memory: Array
) -> None:
    """Compare the keys of some heads with all slots, and clear the gradients of the norms.

    Args:
        first: First head.
        behind: The one behind the last.
        p: Parameters ``[P]``.
        layout: Places of the parameters.
        epsilons: Terms that keep the similarity finite.
        own: Scratch.
        memory: ``[M, N]``.
    """
    M, masks, heads = layout.width, layout.masks, behind - first
    each, groups = M + 1 + masks, heads if masks else 1
    for i in range(heads):
        head = p[(first + i) * each : (first + i + 1) * each]
        own.key_norms[i] = mask_key(head[:M], head[M + 1 :], own.keys[i], own.squares[i], epsilons.inside)
    compare_masked(memory, own.keys, own.squares, epsilons.inside, own.dots[:heads], own.norms[:groups])
    for g in range(groups):
        zero(own.dnorms[g])


@inline
def look_up_head(
    h: int, i: int, p: Array, layout: Layout, epsilons: Epsilons, own: Comparison, used: Array, content: Array
) -> None:
    """Write the weighting by content ``[N]`` of head h, the i-th of those that were compared.

    Slots whose `used` is 0 are left out, if there is any ``[N or 0]``.
    """
    strength, norms = p[h * (layout.width + 1 + layout.masks) + layout.width], own.norms[_group(i, layout)]
    if len(used):
        divide_by_norms(own.dots[i], norms, own.key_norms[i], epsilons)
        softmax_of_used(own.dots[i], strength, used, content)
    else:
        look_up(own.dots[i], norms, own.key_norms[i], epsilons, strength, content)


@inline
def _group(i: int, layout: Layout) -> int:
    """Return the row of the norms that belongs to a head."""
    return i if layout.masks else 0


@inline
def look_up_head_backward(
    h: int, i: int, p: Array, dp: Array, layout: Layout, epsilons: Epsilons, own: Comparison, content: Array
) -> None:
    """Backpropagate through `look_up_head`, given gradients of the weighting in the scratch."""
    at, g = h * (layout.width + 1 + layout.masks) + layout.width, _group(i, layout)
    dp[at], own.dkey_norms[i] = look_up_backward(
        own.dots[i], own.norms[g], own.key_norms[i], epsilons, p[at], content, own.ddots[i], own.dnorms[g]
    )


@inline
def compare_heads_backward(
    first: int,
    behind: int,
    p: Array,
    dp: Array,
    layout: Layout,
    own: Comparison,
    memory: Array,
    dmemory: Array,
) -> None:
    """Backpropagate through `compare_heads`: write gradients of keys and masks, add those of the memory."""
    M, masks, heads = layout.width, layout.masks, behind - first
    each, groups = M + 1 + masks, heads if masks else 1
    compare_masked_backward(
        memory,
        own.keys,
        own.squares,
        own.ddots[:heads],
        own.dnorms[:groups],
        dmemory,
        own.dkeys,
        own.dsquares,
    )
    for i in range(heads):
        at, end = (first + i) * each, (first + i + 1) * each
        mask_key_backward(
            p[at : at + M],
            p[at + M + 1 : end],
            own.squares[i],
            own.dkeys[i],
            own.dsquares[i],
            own.dkey_norms[i],
            dp[at : at + M],
            dp[at + M + 1 : end],
        )
