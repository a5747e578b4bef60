"""The sizes that a run trains on, as far as it has come.

Progress goes from 0, at the start, to 1, where the budget is used up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from ntm_agents.training.config import LearnerConfig, TrainConfig
from ntm_envs import keyed
from ntm_envs.tasks import Size, Task

Sizes: TypeAlias = Mapping[str, int | tuple[int, int]]
"""An int or a range ``(low, high)`` for each size of a task."""


class Curriculum:
    """The ranges of sizes that a learner trains on: those of the task, as far as its options let them grow.

    Args:
        config: Options of the learner.
        task: The task.
        training: Its training range.

    Raises:
        ValueError: If `sizes` go above the training range or name another size, or if `curriculum` names one
            that has no range, or leaves it.
    """

    def __init__(self, config: LearnerConfig, task: Task, training: Sizes) -> None:
        self._task, self._end = task, config.curriculum_end
        for name, (low, high) in config.sizes.items():
            whole = training.get(name, 0)
            if not 1 <= low <= high <= (whole if isinstance(whole, int) else whole[1]):
                raise ValueError(
                    f"sizes has {name}={(low, high)}; expected sizes of the training range, or below it: "
                    f"{dict(training)}"
                )
        self._whole: dict[str, int | tuple[int, int]] = {**training, **config.sizes}
        self._growing: dict[str, tuple[int, int, int]] = {}  # low, first high, last high
        if (share := config.initial_range) is not None:
            for name, size in self._whole.items():  # one that is fixed gets a range that has small sizes
                low, high = size if isinstance(size, tuple) else (max(task.limits[name][0], size // 10), size)
                self._whole[name] = (low, high)
                self._growing[name] = (low, low + round(share * (high - low)), high)
        for name, start in config.curriculum.items():
            bounds = self._whole.get(name)
            if not isinstance(bounds, tuple) or not bounds[0] <= start <= bounds[1]:
                raise ValueError(
                    f"curriculum has {name}={start}; expected a size with a range, and a start inside it: "
                    f"{self._whole}"
                )
            self._growing[name] = (bounds[0], start, bounds[1])

    def at(self, progress: float) -> Sizes:
        """Return the sizes at a progress from 0 to 1."""
        done = min(1.0, progress / self._end) if self._end else 1.0
        sizes = dict(self._whole)
        for name, (low, start, high) in self._growing.items():
            sizes[name] = (low, start + round(done * (high - start)))
        return sizes


class SequenceCurriculum(Curriculum):
    """The sizes of the batches of supervised training; arguments and errors are those of `Curriculum`."""

    def __init__(self, config: TrainConfig, task: Task, training: Sizes) -> None:
        super().__init__(config, task, training)
        self._mixed, self._longest_from = config.mixed_sizes, config.longest_from
        self._alternate_from = math.inf if config.alternate_from is None else config.alternate_from

    def at(self, progress: float) -> Sizes:
        """Return the sizes as `Curriculum` has them; lower ends grow as well, up to `longest_from`."""
        sizes = dict(super().at(progress))
        if self._longest_from is not None and progress > self._end:
            grown = min(1.0, (progress - self._end) / (self._longest_from - self._end))
            for name, size in sizes.items():
                if isinstance(size, tuple):
                    sizes[name] = (size[0] + round(grown * (size[1] - size[0])), size[1])
        return sizes

    def draw(self, keys: keyed.Keys, progress: float, update: int) -> Mapping[str, Size]:
        """Return the sizes of a batch: one of each, or with `mixed_sizes` the ranges.

        Args:
            keys: The keys of the batch ``[B]``.
            progress: From 0 to 1.
            update: The number of its update, of which every odd one may be of the largest sizes.
        """
        if update % 2 and progress >= self._alternate_from:
            return {name: size if isinstance(size, int) else size[1] for name, size in self._whole.items()}
        sizes = self.at(progress)
        if self._mixed:
            return sizes
        drawn = self._task.draw_sizes(keys[:1], self._task.check_sizes(sizes, None))
        return {name: int(size[0]) for name, size in drawn.items()}
