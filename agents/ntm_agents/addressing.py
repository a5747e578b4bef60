"""How heads choose slots, read and write: section 3 of the paper as pure functions.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), sections 3.1 to 3.3.

Shape letters: B batch, H heads, N memory slots, M width of a slot, S shift options. A weighting is a
distribution over the N slots.

Example:
    >>> weighting = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    >>> shift(weighting, torch.tensor([[[0.0, 0.0, 1.0]]]))
    tensor([[[0., 1., 0., 0.]]])
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

EpsilonIn = Literal["product", "norms"]

TINY = 1e-30
"""Added before a logarithm and a square root: a zero must not give a gradient of NaN."""


def content_weighting(
    memory: Tensor, keys: Tensor, strengths: Tensor, epsilon: float, epsilon_in: EpsilonIn
) -> Tensor:
    """Look slots up by content: equations 5 and 6.

    Args:
        memory: ``[B, N, M]``.
        keys: What to look for, k, ``[B, H, M]``.
        strengths: Key strengths beta >= 0, ``[B, H]``.
        epsilon: Keeps the cosine finite for empty slots and keys.
        epsilon_in: Whether it is added to the product of the two norms or to each of them.

    Returns:
        Weightings ``[B, H, N]``.
    """
    dots = torch.bmm(keys, memory.transpose(1, 2))  # (B, H, N)
    # A product with ones adds squares up faster than a sum over a short last dimension does.
    squares = torch.matmul(memory.square(), memory.new_ones(memory.shape[2]))
    slot_norms = (squares + TINY).sqrt().unsqueeze(1)  # (B, 1, N)
    key_norms = torch.linalg.vector_norm(keys, dim=2, keepdim=True)  # (B, H, 1)
    if epsilon_in == "product":
        norms = torch.addcmul(dots.new_full((), epsilon), key_norms, slot_norms)
    else:
        norms = (key_norms + epsilon) * (slot_norms + epsilon)
    return functional.softmax(dots / norms * strengths.unsqueeze(2), dim=2)


def interpolate(content: Tensor, previous: Tensor, gates: Tensor) -> Tensor:
    """Mix the content weighting and the previous one ``[B, H, N]`` by gates g ``[B, H]``: equation 7."""
    return torch.lerp(previous, content, gates.unsqueeze(2))


def shift(weighting: Tensor, shifts: Tensor) -> Tensor:
    """Turn weightings ``[B, H, N]`` round by a distribution over shifts s ``[B, H, S]``: equation 8.

    Option j moves a weighting by ``j - S // 2`` slots, round the end.
    """
    options = shifts.unbind(2)
    centre = len(options) // 2
    shifted = weighting * options[centre].unsqueeze(2)
    for j, share in enumerate(options):
        if j != centre:
            shifted = torch.addcmul(shifted, weighting.roll(j - centre, 2), share.unsqueeze(2))
    return shifted


def sharpen(weighting: Tensor, sharpening: Tensor) -> Tensor:
    """Raise weightings ``[B, H, N]`` to the power gamma >= 1 ``[B, H]`` and normalise: equation 9.

    As a softmax of ``gamma * log(w)`` it does not underflow, however large gamma is.
    """
    return functional.softmax(sharpening.unsqueeze(2) * (weighting + TINY).log(), dim=2)


def read(memory: Tensor, weighting: Tensor) -> Tensor:
    """Read vectors ``[B, H, M]`` by weightings ``[B, H, N]``: equation 2."""
    return torch.bmm(weighting, memory)


def write(memory: Tensor, weighting: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Erase and then add, with vectors ``[B, H, M]``: equations 3 and 4; returns the memory ``[B, N, M]``.

    Several heads erase first, each its share of what the others left, and then all of them add. With an
    erase vector of ones a slot is replaced by as much as it is chosen: ``M <- (1 - w) M + w a``.
    """
    slots = weighting.transpose(1, 2)  # (B, N, H)
    erased = memory
    for weights, vector in zip(slots.split(1, 2), erase.split(1, 1), strict=True):
        erased = torch.addcmul(erased, erased, torch.bmm(weights, vector), value=-1)
    return erased + torch.bmm(slots, add)
