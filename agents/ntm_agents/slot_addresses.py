"""Addresses of slots: each is that of the slot before, turned by a rotation; and look-ups that see them.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036), sections 2.1 and 3, where addresses are a learned table.

Shape letters: B batch, H heads, N memory slots, A/D width of an address and of the content of a slot.

Example:
    >>> quarter = torch.tensor([math.pi / 2])
    >>> addresses(4, quarter).round().abs()
    tensor([[1., 0.],
            [0., 1.],
            [1., 0.],
            [0., 1.]])
    >>> behind(addresses(4, quarter), quarter).round().abs()
    tensor([[0., 1.],
            [1., 0.],
            [0., 1.],
            [1., 0.]])
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ntm_agents.addressing import TINY


def initial_frequencies(address_width: int) -> Tensor:
    """Draw the frequencies of addresses ``[A / 2]``, uniform in 0 to pi."""
    return torch.rand(address_width // 2) * math.pi


def addresses(slots: int, frequencies: Tensor) -> Tensor:
    """Return the addresses of slots: all cos(f j), then all sin(f j), ``[N, A]``."""
    numbers = torch.arange(slots, device=frequencies.device, dtype=torch.float64)
    angles = torch.outer(numbers, frequencies.double())  # of many slots, too large for 32 bits
    return torch.cat((angles.cos(), angles.sin()), 1).to(frequencies.dtype)


def behind(address: Tensor, frequencies: Tensor) -> Tensor:
    """Turn addresses ``[..., A]`` into those of the slots behind."""
    cos, sin = address.chunk(2, -1)
    turn_cos, turn_sin = frequencies.cos(), frequencies.sin()
    return torch.cat((cos * turn_cos - sin * turn_sin, sin * turn_cos + cos * turn_sin), -1)


def similarity(memory: Tensor, addresses: Tensor, keys: Tensor, whole: Tensor, epsilon: float) -> Tensor:
    """Compare keys with slots, address and content, by the cosine of their angle: S.

    Args:
        memory: Contents ``[B, N, D]``.
        addresses: Addresses of the slots, the same in all rows, ``[N, A]``.
        keys: Keys, of each the address and then the content, ``[B, H, A + D]``.
        whole: 1 for keys that are compared with whole slots, and 0 for those that are compared with contents
            alone, ``[H, 1]``.
        epsilon: Addend of the product of the norms, at least 0.

    Returns:
        Similarities from -1 to 1, ``[B, H, N]``.
    """
    of_address, of_content = keys.tensor_split((addresses.shape[1],), 2)
    of_address = of_address * whole
    products = torch.baddbmm(of_address @ addresses.T, of_content, memory.transpose(1, 2))
    squares = memory.square().sum(2).unsqueeze(1) + whole * addresses.square().sum(1)
    of_keys = (of_address.square().sum(2) + of_content.square().sum(2)).unsqueeze(2)
    return products / ((squares + TINY).sqrt() * (of_keys + TINY).sqrt() + epsilon)
