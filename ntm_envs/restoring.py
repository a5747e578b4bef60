"""Checks of the states that vector environments restore, so that a wrong one is refused before any change.

Shape letter: B rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

State = Mapping[str, NDArray[Any]]
"""Arrays by name, with the rows in dimension 0."""


def check_form(state: State, expected: State) -> None:
    """Check names, dtypes and numbers of rows and of dimensions against another state.

    Raises:
        ValueError: If they differ.
    """
    if not isinstance(state, Mapping):
        raise ValueError(f"the state is of type {type(state).__name__}; expected what state() returned")
    if wrong := sorted(state.keys() ^ expected.keys(), key=str):
        problem = "lacks" if wrong[0] in expected else "has the unknown part"
        raise ValueError(
            f"the state {problem} {wrong[0]!r}; expected what state() of an environment of the same task and "
            f"arguments returns: {', '.join(expected)}"
        )
    for name, like in expected.items():
        array = state[name]
        if not isinstance(array, np.ndarray) or array.dtype != like.dtype:
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"{name!r} of the state is of type {kind}; expected an array of {like.dtype}")
        if array.ndim != like.ndim or len(array) != len(like):
            shape = (len(like), *["..."] * (like.ndim - 1))
            raise ValueError(
                f"{name!r} of the state has the shape {array.shape}; expected {_shape(shape)}, one row for "
                "each environment"
            )


def check_range(name: str, values: NDArray[Any], low: int, high: ArrayLike) -> None:
    """Check that the values ``[B]`` of a part lie between bounds, both included.

    Args:
        name: Name of the part.
        values: Its values.
        low: Lower bound.
        high: Upper bound, for all rows or ``[B]``.

    Raises:
        ValueError: If a value is out of range, or NaN.
    """
    high = np.broadcast_to(high, values.shape)
    wrong = np.flatnonzero(~((low <= values) & (values <= high)))
    if len(wrong):
        row = wrong[0]
        raise ValueError(
            f"{name!r} of the state is {values[row]} in row {row}; expected a value from {low} to {high[row]}"
        )


def _shape(shape: tuple[object, ...]) -> str:
    """Return a shape in Python's notation."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
