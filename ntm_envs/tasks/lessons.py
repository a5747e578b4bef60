"""Lessons, of which a curriculum of increasing difficulty consists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ntm_envs.tasks.sizes import Size


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A step of a curriculum. The lessons of a task are in its attribute `lessons`, in order.

    Attributes:
        sizes: Sizes of the episodes: an int or a range ``(low, high)`` for each size of the task.
        parameters: Parameters of the task that differ from their defaults.
    """

    sizes: Mapping[str, Size]
    parameters: Mapping[str, Any] = field(default_factory=dict)
