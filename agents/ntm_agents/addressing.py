"""Addressing, reading and writing: section 3 of the paper as pure functions.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), sections 3.1 to 3.3.

Shape letters: B batch, H heads (W write heads and R read heads), N memory slots, M width of a slot, S
shift options. A weighting is a distribution over the N slots.

Example:
    >>> weighting = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    >>> shift(weighting, torch.tensor([[[0.0, 0.0, 1.0]]]))
    tensor([[[0., 1., 0., 0.]]])
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

TINY = 1e-30
"""Added before logarithms and square roots, whose gradient at zero is not finite."""


def similarity(memory: Tensor, keys: Tensor, epsilon: float, masks: Tensor | None = None) -> Tensor:
    """Compare keys with slots by the cosine of their angle: K, equation 6.

    Args:
        memory: ``[B, N, M]``.
        keys: Vectors to look for, k, ``[B, H, M]``.
        epsilon: Addend of the product of the norms, at least 0, which keeps the cosine finite for empty slots
            and keys. A slot that is small against it is similar to no key.
        masks: Factors of keys and slots ``[B, H, M]``, which let a head look at a part of each slot; None
            for all of it. (Csordas and Schmidhuber, arXiv 1904.10278, section 3.1; not in the paper.)

    Returns:
        Similarities from -1 to 1, ``[B, H, N]``.
    """
    slots = memory.transpose(1, 2)  # (B, M, N)
    if masks is None:
        return torch.bmm(keys, slots) / (_norms(keys) * _norms(memory).transpose(1, 2) + epsilon)
    squares = masks * masks
    norms = _norms(keys * masks) * (torch.bmm(squares, slots * slots) + TINY).sqrt()
    return torch.bmm(keys * squares, slots) / (norms + epsilon)


def content_weighting(similarities: Tensor, strengths: Tensor, used: Tensor | None = None) -> Tensor:
    """Weight slots by similarities and key strengths: equation 5.

    Args:
        similarities: ``[B, H, N]``.
        strengths: Key strengths beta >= 0 ``[B, H, 1]``.
        used: Slots that may be found, bool ``[B, N]``; None for all. (Not in the paper.)

    Returns:
        Weightings ``[B, H, N]``; zeros where no slot may be found.
    """
    scores = similarities * strengths
    if used is None:
        return functional.softmax(scores, dim=2)
    used = used.unsqueeze(1)
    return functional.softmax(scores.masked_fill(~used, torch.finfo(scores.dtype).min), dim=2) * used


def interpolate(content: Tensor, previous: Tensor, gates: Tensor) -> Tensor:
    """Mix content and previous weighting ``[B, H, N]`` by gates g in [0, 1] ``[B, H, 1]``: equation 7."""
    return torch.lerp(previous, content, gates)


def jump(weighting: Tensor, gates: Tensor) -> Tensor:
    """Move a share of weightings ``[B, R, N]`` to the first slot, by gates in [0, 1] ``[B, R]``.

    Not in the paper, where a head has to find the start of a list by its content.
    """
    stayed = weighting * (1 - gates.unsqueeze(2))
    return torch.cat((stayed[:, :, :1] + gates.unsqueeze(2), stayed[:, :, 1:]), 2)


def shift(weighting: Tensor, shifts: Tensor) -> Tensor:
    """Convolve weightings ``[B, H, N]`` with a distribution over shifts s ``[B, H, S]``: equation 8.

    Option j moves a weighting by ``j - S // 2`` slots, circularly.
    """
    count = shifts.shape[2]
    moves = [j - count // 2 for j in range(count)]
    moved = torch.stack([weighting.roll(move, 2) if move else weighting for move in moves], 2)
    return (moved * shifts.unsqueeze(3)).sum(2)  # (B, H, S, N) summed over S


def sharpen(weighting: Tensor, sharpening: Tensor) -> Tensor:
    """Raise weightings ``[B, H, N]`` to the power gamma >= 1 ``[B, H, 1]`` and normalise: equation 9.

    It is a softmax of ``gamma * log(w)``, which does not underflow for large gamma.
    """
    return functional.softmax((weighting + TINY).log() * sharpening, dim=2)


def read(memory: Tensor, weighting: Tensor) -> Tensor:
    """Read vectors ``[B, R, M]`` from a memory ``[B, N, M]`` by weightings ``[B, R, N]``: equation 2."""
    return torch.bmm(weighting, memory)


def write(memory: Tensor, weighting: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Erase from a memory ``[B, N, M]``, then add to it: equations 3 and 4.

    All heads erase, each a share of what the others left, before any of them adds.

    Args:
        memory: ``[B, N, M]``.
        weighting: Weightings of the write heads, w, ``[B, W, N]``.
        erase: Share of each element to erase, e in [0, 1], ``[B, W, M]``.
        add: Vectors to add, a, ``[B, W, M]``.

    Returns:
        The new memory ``[B, N, M]``.
    """
    shares = weighting.unsqueeze(3)  # (B, W, N, 1)
    if shares.shape[1] == 1:  # the same in two passes over the memory: M + w (a - M e)
        return torch.addcmul(memory, shares[:, 0], torch.addcmul(add, memory, erase, value=-1))
    for share, vector in zip(shares.unbind(1), erase.unsqueeze(2).unbind(1), strict=True):
        memory = torch.addcmul(memory, share, memory * vector, value=-1)
    return torch.baddbmm(memory, weighting.transpose(1, 2), add)


def _norms(vectors: Tensor) -> Tensor:
    """Return the Euclidean norms ``[B, K, 1]`` of vectors ``[B, K, M]``."""
    return ((vectors * vectors).sum(2, keepdim=True) + TINY).sqrt()
