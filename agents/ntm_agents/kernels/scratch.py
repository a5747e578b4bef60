"""Scratch memory of compiled loops, which allocate nothing themselves.

All of it is one piece of memory, with gaps. LLVM's vectorised loops look where arrays lie at run time,
and give way to plain ones, which round otherwise, where one begins less than a few vectors behind
another. Arrays of their own are sometimes that close, and a run would then not be repeatable.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from ntm_agents.kernels.arithmetic import Array, empty

GAP = 128
"""Numbers between the parts of a scratch: twice what AVX-512 takes at a time, four vectors of sixteen."""


def parts(shapes: tuple[tuple[int, ...], ...], kind: Any) -> list[Array]:
    """Return an array of each shape, in one piece of memory, with gaps."""
    ends = list(itertools.accumulate((math.prod(shape) + GAP for shape in shapes), initial=GAP))
    piece = empty((ends[-1],), kind)
    return [piece[at : at + math.prod(shape)].reshape(shape) for at, shape in zip(ends, shapes, strict=False)]
