"""How heads choose slots, read and write: section 3 of the paper as pure functions.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), sections 3.1 to 3.3.

Shape letters: B batch, H heads (R that read, W that write), N memory slots, M width of a slot, S shift
options. A weighting is a distribution over the N slots.

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

EpsilonAt = Literal["product", "norms", "squares"]

TINY = 1e-30
"""Added before logarithms and square roots, whose gradient at zero is not finite."""


def similarity(memory: Tensor, keys: Tensor, epsilon: float, epsilon_at: EpsilonAt) -> Tensor:
    """Compare keys with slots by the cosine of their angle: K, equation 6.

    Args:
        memory: ``[B, N, M]``.
        keys: What to look for, k, ``[B, H, M]``.
        epsilon: Keeps the cosine finite for empty slots and keys, at least 0. A slot that is small
            against it is like no key.
        epsilon_at: What it is added to: the ``product`` of the two norms, each of the ``norms``, or the
            sum of ``squares`` under each of their roots.

    Returns:
        Similarities from -1 to 1, ``[B, H, N]``.
    """
    inside = max(epsilon, TINY) if epsilon_at == "squares" else TINY
    outside = epsilon if epsilon_at == "norms" else 0.0
    slot_norms = _norms(memory, inside, outside).transpose(1, 2)  # (B, 1, N)
    norms = _norms(keys, inside, outside) * slot_norms  # (B, H, N)
    return torch.bmm(keys, memory.transpose(1, 2)) / (norms + epsilon if epsilon_at == "product" else norms)


def content_weighting(similarities: Tensor, strengths: Tensor) -> Tensor:
    """Choose slots by similarity ``[B, H, N]`` and key strengths beta >= 0 ``[B, H, 1]``: equation 5."""
    return functional.softmax(similarities * strengths, dim=2)


def interpolate(content: Tensor, previous: Tensor, gates: Tensor) -> Tensor:
    """Mix content and previous weighting ``[B, H, N]`` by gates g in [0, 1] ``[B, H, 1]``: equation 7."""
    return torch.lerp(previous, content, gates)


def jump(weighting: Tensor, gates: Tensor) -> Tensor:
    """Move weightings ``[B, R, N]`` to the first slot by as much as gates ``[B, R]`` are open.

    It is not in the paper, where a head has to look the start up, by what is written there.
    """
    stayed = weighting * (1 - gates.unsqueeze(2))
    return torch.cat((stayed[:, :, :1] + gates.unsqueeze(2), stayed[:, :, 1:]), 2)


def shift(weighting: Tensor, shifts: Tensor) -> Tensor:
    """Turn weightings ``[B, H, N]`` round by a distribution over shifts s ``[B, H, S]``: equation 8.

    Option j moves a weighting by ``j - S // 2`` slots, round the end.
    """
    count = shifts.shape[2]
    moves = [j - count // 2 for j in range(count)]
    moved = torch.stack([weighting.roll(move, 2) if move else weighting for move in moves], 2)
    return (moved * shifts.unsqueeze(3)).sum(2)  # (B, H, S, N) summed over S


def sharpen(weighting: Tensor, sharpening: Tensor) -> Tensor:
    """Raise weightings ``[B, H, N]`` to the power gamma >= 1 ``[B, H, 1]`` and normalise: equation 9.

    As a softmax of ``gamma * log(w)`` it does not underflow, however large gamma is.
    """
    return functional.softmax((weighting + TINY).log() * sharpening, dim=2)


def read(memory: Tensor, weighting: Tensor) -> Tensor:
    """Read vectors ``[B, R, M]`` from a memory ``[B, N, M]`` by weightings ``[B, R, N]``: equation 2."""
    return torch.bmm(weighting, memory)


def write(memory: Tensor, weighting: Tensor, erase: Tensor, add: Tensor) -> Tensor:
    """Erase a memory ``[B, N, M]``, then add to it: equations 3 and 4.

    Several heads all erase, each its share of what the others left, before any of them adds.

    Args:
        memory: ``[B, N, M]``.
        weighting: Where to write, w, ``[B, W, N]``.
        erase: What share of each element goes, e in [0, 1], ``[B, W, M]``.
        add: What comes, a, ``[B, W, M]``.

    Returns:
        The memory after it, ``[B, N, M]``.
    """
    shares = weighting.unsqueeze(3)  # (B, W, N, 1)
    if shares.shape[1] == 1:  # the same in two passes over the memory: M + w (a - M e)
        return torch.addcmul(memory, shares[:, 0], torch.addcmul(add, memory, erase, value=-1))
    for share, vector in zip(shares.unbind(1), erase.unsqueeze(2).unbind(1), strict=True):
        memory = torch.addcmul(memory, share, memory * vector, value=-1)
    return torch.baddbmm(memory, weighting.transpose(1, 2), add)


def overwrite(memory: Tensor, weighting: Tensor, add: Tensor) -> Tensor:
    """Replace slots by as much as they are chosen: ``M <- (1 - w) M + w a``, shapes as in `write`.

    It is not in the paper, and the same as to erase with vectors of ones.
    """
    return write(memory, weighting, torch.ones_like(add), add)


def _norms(vectors: Tensor, inside: float, outside: float) -> Tensor:
    """Return the Euclidean norms ``[B, K, 1]`` of vectors ``[B, K, M]``."""
    norms = ((vectors * vectors).sum(2, keepdim=True) + inside).sqrt()
    return norms + outside if outside else norms
