"""Equality of what environments return."""

from typing import Any

import numpy as np


def equal(one: Any, two: Any) -> None:
    """Check that two environments returned the same: arrays, objects, or dictionaries of them."""
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for name in one:
            equal(one[name], two[name])
    elif isinstance(one, tuple) or (isinstance(one, np.ndarray) and one.dtype == object):
        for a, b in zip(one, two, strict=True):
            equal(a, b)
    else:
        assert type(one) is type(two)
        if isinstance(one, np.ndarray):
            assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
