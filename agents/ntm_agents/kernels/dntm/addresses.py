"""Addresses of slots in compiled code: rotations from one to the next, and norms.

The mathematics of :mod:`ntm_agents.slot_addresses`, forward and backward.

Shape letters: N slots, A width of an address: A / 2 cosines, then as many sines.
"""

from __future__ import annotations

import math
from typing import Any

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def measure(addresses: Array, inside: Any, squares: Array, norms: Array) -> None:
    """Write sums of squares and norms ``[N]`` of addresses ``[N, A]``, with a term under the root."""
    for n in range(len(addresses)):
        row, total = addresses[n], addresses.dtype.type(0)
        for a in range(len(row)):
            total += row[a] * row[a]
        squares[n] = total
        norms[n] = math.sqrt(total + inside)


@inline
def turn(address: Array, rotation: Array, behind: Array) -> None:
    """Write the address behind another.

    Args:
        address: ``[A]``.
        rotation: Cosines and sines of the angles from each address to the next ``[2, A / 2]``.
        behind: Written ``[A]``.
    """
    half, turn_cos, turn_sin = len(address) // 2, rotation[0], rotation[1]
    cos, sin, out_cos, out_sin = address[:half], address[half:], behind[:half], behind[half:]
    for i in range(half):
        out_cos[i] = cos[i] * turn_cos[i] - sin[i] * turn_sin[i]
        out_sin[i] = sin[i] * turn_cos[i] + cos[i] * turn_sin[i]


@inline
def turn_backward(address: Array, rotation: Array, dbehind: Array, daddress: Array, drotation: Array) -> None:
    """Backpropagate through `turn`.

    Args:
        address: ``[A]``.
        rotation: ``[2, A / 2]``.
        dbehind: Gradients of the address behind ``[A]``.
        daddress: Gradients of the address ``[A]``, added to.
        drotation: Gradients of the rotation ``[2, A / 2]``, added to.
    """
    half, turn_cos, turn_sin = len(address) // 2, rotation[0], rotation[1]
    cos, sin, dcos, dsin = address[:half], address[half:], daddress[:half], daddress[half:]
    dout_cos, dout_sin, dturn_cos, dturn_sin = dbehind[:half], dbehind[half:], drotation[0], drotation[1]
    for i in range(half):
        x, y = dout_cos[i], dout_sin[i]
        dcos[i] += x * turn_cos[i] + y * turn_sin[i]
        dsin[i] += y * turn_cos[i] - x * turn_sin[i]
        dturn_cos[i] += x * cos[i] + y * sin[i]
        dturn_sin[i] += y * cos[i] - x * sin[i]
