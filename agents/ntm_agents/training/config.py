"""Options of learners, as frozen dataclasses: every field is an option of the command line.

`LearnerConfig` holds what all learners have in common, `TrainConfig` what supervised training adds. Those of
other learners lie beside their rows (:mod:`ntm_agents.training.learners`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ntm_agents.options import check_options
from ntm_envs.tasks import Size

Privilege: TypeAlias = Literal["long_validation", "best_of_seeds", "task_channels"]
"""Exceptions to the rules that a run may declare: weights or options that were chosen on sizes beyond the
training range, at most twice its end and never a rung (`long_validation`); several seeds that were trained
and one that was kept (`best_of_seeds`); options that name channels of the task (`task_channels`)."""


@dataclass(frozen=True, kw_only=True)
class LearnerConfig:
    """Options of every learner. Progress goes from 0, at the start, to 1, where the budget is used up."""

    minutes: float | None = None
    """Second budget, in minutes of training; None for none. A run that it ends cannot be repeated to the
    byte, and its schedule and curriculum, which follow the first budget, are cut off."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Sizes to train on in place of the task's training range, none above it, such as `items 5 6`."""
    curriculum: Mapping[str, int] = field(default_factory=dict)
    """Upper end of a size's range at the start of training, such as `repeats 3`; it grows from there."""
    curriculum_end: float = 0.5
    """Progress at which the curriculum reaches the whole training range."""
    task_overrides: Mapping[str, float] = field(default_factory=dict)
    """Parameters of the task with other values in training, such as `blank 0.1`: rare inputs are learnt
    late."""
    validate_every: int = 2_000
    """Units of the budget between validations, at the largest training size; the best weights are kept."""
    validation_sequences: int = 64
    """Sequences of a validation, the same ones each time."""
    privileges: tuple[Privilege, ...] = ()
    """Privileges of the run, which its result declares. They change nothing in training."""
    checkpoint_seconds: float = 30.0
    """Seconds between checkpoints."""

    def __post_init__(self) -> None:
        check_options(self)
        self._check_counts("validate_every", "validation_sequences")
        self._check_positive("minutes", "checkpoint_seconds")
        self._check_shares("curriculum_end")

    def sizes_at(self, training: Mapping[str, int | tuple[int, int]], progress: float) -> dict[str, Size]:
        """Return the sizes to train on: the training range, or `sizes`, as far as the curriculum has come.

        Args:
            training: The task's training range.
            progress: From 0 to 1.

        Raises:
            ValueError: If `sizes` go above the training range or name another size, or if the curriculum
                names one that has no range, or leaves it.
        """
        for name, (low, high) in self.sizes.items():
            whole = training.get(name, 0)
            if not 1 <= low <= high <= (whole if isinstance(whole, int) else whole[1]):
                raise ValueError(
                    f"sizes has {name}={(low, high)}; expected sizes of the training range, or below it: "
                    f"{dict(training)}"
                )
        training = {**training, **self.sizes}
        sizes: dict[str, Size] = dict(training)
        done = min(1.0, progress / self.curriculum_end) if self.curriculum_end else 1.0
        for name, start in self.curriculum.items():
            bounds = training.get(name)
            if not isinstance(bounds, tuple) or not bounds[0] <= start <= bounds[1]:
                raise ValueError(
                    f"curriculum has {name}={start}; expected a size with a range, and a start inside it: "
                    f"{dict(training)}"
                )
            sizes[name] = (bounds[0], start + round(done * (bounds[1] - start)))
        return sizes

    def _check(self, name: str, valid: bool, expected: str) -> None:
        """Refuse the value of a field.

        Raises:
            ValueError: If it is not valid; the message names field, value and what was expected.
        """
        if not valid:
            raise ValueError(f"{name} is {getattr(self, name)!r}; expected {expected}")

    def _check_counts(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            self._check(name, value is None or value >= 1, "at least 1")

    def _check_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            self._check(name, value is None or 0 < value < math.inf, "a positive number")

    def _check_rate(self, name: str) -> None:
        # Ten times it, which is Adam's first step size, has to be a number of 32 bits.
        self._check(name, 0 < getattr(self, name) <= 1e30, "a positive number, at most 1e30")

    def _check_not_negative(self, *names: str) -> None:
        for name in names:
            self._check(name, 0 <= getattr(self, name) < math.inf, "at least 0 and finite")

    def _check_shares(self, *names: str) -> None:
        for name in names:
            self._check(name, 0 <= getattr(self, name) <= 1, "a number from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(LearnerConfig):
    """Options of supervised training. After a restart, progress begins at 0 again."""

    sequences: int = 32_000
    """Budget: number of training sequences from the start, or the last restart, to the end. Those before a
    restart come on top; results count them in."""
    batch_size: int = 32
    """Sequences of a batch."""
    mixed_sizes: bool = False
    """Draw a size for each sequence of a batch (shorter ones are padded, and each symbol counts the same),
    instead of one size for the batch."""
    bucket_size: int = 8
    """Number of sequences of mixed sizes that go through the model together. A batch is cut into buckets of
    similar length, as a short sequence that is padded to the longest costs as much as that."""
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    """Optimizer (paper: rmsprop)."""
    learning_rate: float = 3e-3
    """Learning rate at the start."""
    momentum: float = 0.9
    """Momentum, of rmsprop only (paper: 0.9)."""
    beta2: float = 0.999
    """Decay of Adam's moving average of squared gradients. The nearer to 1, the larger is the step that a
    rare gradient makes after many small ones."""
    epsilon: float = 1e-8
    """Adam's epsilon, added to the root of this average: gradients far below it make small steps."""
    weight_decay: float = 0.0
    """Weight decay."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Decay of the learning rate."""
    decay_start: float = 0.5
    """Progress at which the learning rate begins to fall."""
    final_rate: float = 0.01
    """Learning rate at the end, as a share of that at the start."""
    max_grad_norm: float | None = 0.5
    """Largest norm of the gradient, which is scaled down to it; None for no limit."""
    penalty: float = 0.0
    """Weight of the model's own penalty in the loss (the NTM's: the mean entropy of its weightings, which
    makes them sharp), for models that have `with_penalty`."""
    penalty_start: float = 0.3
    """Progress at which the penalty begins to grow from 0: an early penalty prevents learning."""
    penalty_end: float = 0.6
    """Progress at which the penalty reaches its whole weight."""
    ema_decay: float = 0.99
    """Decay of the exponential moving average of the weights, which is validated and kept; 0 for none."""
    longest_from: float | None = None
    """Progress from which all sequences are of the largest sizes: the lower ends of ranges grow as well, from
    `curriculum_end` on. Inputs that are rare in long sequences are rarer in short ones. None for never."""
    restart_after: int | None = None
    """Number of sequences after which training starts again from new weights, if the validation loss is still
    above `restart_loss`. None for never."""
    restart_loss: float = 0.6
    """Validation loss that avoids a restart, in nats a symbol; guessing costs 0.693 a bit."""
    restarts: int = 3
    """Largest number of restarts."""
    rollback: float | None = None
    """Ratio of the validation loss to the best one above which training returns to the best weights: a single
    step can destroy what was learnt. None for never."""
    patience: int = 20
    """Number of updates in a row without a finite loss and gradient after which training gives up."""
    compile: bool = False
    """Compile single steps with torch.compile, for models that loop over steps in Python: faster, after half
    a minute of compiling. It needs a C++ compiler. (The NTM's fused kernel is faster still.)"""
    log_every: int = 25
    """Updates between lines of `metrics.jsonl`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_counts("sequences", "batch_size", "bucket_size", "patience", "log_every", "restart_after")
        self._check_rate("learning_rate")
        self._check_positive("max_grad_norm", "restart_loss", "epsilon")
        self._check("rollback", self.rollback is None or 1 < self.rollback < math.inf, "above 1, or None")
        for name in ("momentum", "ema_decay", "beta2"):
            self._check(name, 0 <= getattr(self, name) < 1, "a number from 0 to below 1")
        self._check_shares("decay_start", "final_rate", "penalty_start", "penalty_end")
        last = self.longest_from
        valid = last is None or self.curriculum_end < last <= 1
        self._check("longest_from", valid, "above curriculum_end, and at most 1")
        self._check_not_negative("weight_decay", "penalty", "restarts")
        compiled_penalty = self.compile and self.penalty
        self._check("penalty", not compiled_penalty, "0 with compile, which runs single steps")

    def rate(self, progress: float) -> float:
        """Return the learning rate at a progress from 0 to 1."""
        if self.schedule == "constant" or progress <= self.decay_start:
            return self.learning_rate
        left = (1 - progress) / (1 - self.decay_start)
        if self.schedule == "cosine":
            left = (1 - math.cos(math.pi * left)) / 2
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * left)

    def penalty_weight(self, progress: float) -> float:
        """Return the weight of the model's penalty at a progress from 0 to 1."""
        if progress >= self.penalty_end:
            return self.penalty
        if progress <= self.penalty_start:
            return 0.0
        return self.penalty * (progress - self.penalty_start) / (self.penalty_end - self.penalty_start)

    def sizes_at(self, training: Mapping[str, int | tuple[int, int]], progress: float) -> dict[str, Size]:
        """Return the sizes to train on; see :meth:`LearnerConfig.sizes_at`, and `longest_from`."""
        sizes = super().sizes_at(training, progress)
        if self.longest_from is not None and progress > self.curriculum_end:
            grown = min(1.0, (progress - self.curriculum_end) / (self.longest_from - self.curriculum_end))
            for name, size in sizes.items():
                if isinstance(size, tuple):
                    sizes[name] = (size[0] + round(grown * (size[1] - size[0])), size[1])
        return sizes
