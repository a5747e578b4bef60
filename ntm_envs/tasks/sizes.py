"""Sizes of episodes: validation, and drawing from ranges.

Shape letter: B episodes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed

Integers = NDArray[np.int64]
Size = int | Sequence[int] | Integers
"""The size of an episode: an int; a range ``(low, high)``, a tuple or a list with both ends included, from
which the key of the episode draws the size; or an array ``[B]`` with one size per episode."""
Bounds = Mapping[str, tuple[Integers, Integers]]
"""Bounds ``(low, high)`` of each size, integers of shape ``[]`` or ``[B]``."""
UNBOUNDED = math.isqrt(2**62)
"""Upper limit of sizes that have no natural one. The product of two such sizes still fits into 64 bits."""


def check_sizes(
    owner: str, limits: Mapping[str, tuple[int, int]], sizes: Mapping[str, Size], batch_size: int | None
) -> dict[str, tuple[Integers, Integers]]:
    """Validate sizes and return each as bounds ``(low, high)``, arrays of shape ``[]`` or ``[B]``.

    Args:
        owner: Name of the task, for error messages.
        limits: Smallest and largest permitted value of each size.
        sizes: A value for every size of the task.
        batch_size: Required length B of arrays of sizes; None permits any length.

    Raises:
        TypeError: If a size is missing, unknown or not an integer.
        ValueError: If a size is out of range or has the wrong shape.
    """
    for name in sizes:
        if name not in limits:
            raise TypeError(f"{owner} has no size {name!r}; expected {', '.join(limits)}")
    checked = {}
    for name, (smallest, largest) in limits.items():
        if name not in sizes:
            raise TypeError(
                f"{owner} needs the size {name!r}, such as "
                f"{name}={smallest} or {name}=({smallest}, {min(smallest + 9, largest)})"
            )
        given = sizes[name]
        low, high = _bounds(name, given, batch_size)
        if (low > high).any():
            raise ValueError(f"the range {name}={given} is empty; expected (low, high), low <= high")
        if (low < smallest).any() or (high > largest).any():
            raise ValueError(
                f"{name}={given} is out of range; {owner} expects {smallest} <= {name} <= {largest}"
            )
        checked[name] = (low, high)
    return checked


def draw_sizes(keys: keyed.Keys, bounds: Bounds) -> dict[str, Integers]:
    """Draw sizes ``[B]`` uniformly between the bounds from :func:`check_sizes`, as a function of the keys."""
    drawn = {}
    for i, (name, (low, high)) in enumerate(bounds.items()):
        if low is high:
            drawn[name] = np.array(np.broadcast_to(low, len(keys)))
        else:
            word = keyed.words(keys, keyed.SIZES, 1, start=i)[:, 0]
            drawn[name] = low + keyed.below(word, high - low + 1)
    return drawn


def _bounds(name: str, size: Size, batch_size: int | None) -> tuple[Integers, Integers]:
    """Return the bounds of one size, ``(low, high)``, integers of shape ``[]`` or ``[B]``."""
    if isinstance(size, np.ndarray) and size.ndim and size.dtype.kind in "iu":
        if size.ndim > 1 or batch_size not in (None, len(size)):
            rows = "B" if batch_size is None else batch_size
            raise ValueError(
                f"{name} is an array of shape {size.shape}; expected one size per episode, ({rows},)"
            )
        array = size.astype(np.int64)
        return array, array
    ends = size if isinstance(size, tuple | list) else (size,)
    if not all(map(is_whole, ends)):
        raise TypeError(
            f"{name}={size!r} is not an integer; expected an int, a range (low, high) or an array of ints"
        )
    if ends is size and len(ends) != 2:
        raise ValueError(f"{name}={size!r} is not a range; expected two integers (low, high)")
    # Limits lie within 64 bits, so integers beyond them stay out of range.
    bounds = [np.asarray(np.int64(min(max(int(end), -(2**63)), 2**63 - 1))) for end in ends]
    return bounds[0], bounds[-1]


def is_whole(value: object) -> bool:
    """Return whether a value is one integer, of Python or of NumPy; bools are not."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
