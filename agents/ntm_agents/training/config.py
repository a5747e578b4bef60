"""Options of learners, as frozen dataclasses: every field is an option of the command line.

`LearnerConfig` holds what all learners have in common, `TrainConfig` what supervised training adds. Those of
other learners lie beside their rows (:mod:`ntm_agents.training.learners`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, Self, TypeAlias

from ntm_agents.options import Between, Choices, Within, check_options
from ntm_envs.tasks import TaskSpec

Privilege: TypeAlias = Literal["long_validation", "best_of_seeds", "task_channels", "input_length"]
"""Exceptions to the rules that a run may declare: weights or options that were chosen on sizes beyond the
training range, at most twice its end and never a rung (`long_validation`); several seeds that were trained
and one that was kept (`best_of_seeds`); options that name channels of the task (`task_channels`); a model
that is told by one of them how long the input is (`input_length`)."""


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
    initial_range: Annotated[float | None, Choices((None, 0.2))] = None
    """Share of its range that each size has at the start of training, such as 0.2: a curriculum for any task.
    (A size that `curriculum` names starts as it says.) A size that the task fixes at n has the range n / 10
    to n. None for whole ranges, and fixed sizes, from the start."""
    curriculum_end: float = 0.5
    """Progress at which upper ends that grow reach those of the whole training range."""
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
        self._check_shares("initial_range", "curriculum_end")

    def for_task(self, spec: TaskSpec) -> Self:
        """Return the options with the budget in the unit of the learner, where it is in another.

        Args:
            spec: The row of the task.
        """
        return self

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
            value = getattr(self, name)
            self._check(name, value is None or 0 <= value <= 1, "a number from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(LearnerConfig):
    """Options of supervised training. After a restart, progress begins at 0 again."""

    sequences: int = 32_000
    """Budget: number of training sequences from the start, or the last restart, to the end. Those before a
    restart come on top; results count them in. It has no effect with `steps`."""
    steps: int | None = None
    """Budget in steps of input, in place of `sequences`, for tasks of any length: as many sequences as have
    so many steps at the largest training size. None for `sequences`."""
    batch_size: Annotated[int, Choices((8, 16, 32, 64))] = 32
    """Sequences of a batch."""
    mixed_sizes: bool = False
    """Draw a size for each sequence of a batch (shorter ones are padded, and each symbol counts the same),
    instead of one size for the batch."""
    bucket_size: int = 8
    """Number of sequences of mixed sizes that go through the model together. A batch is cut into buckets of
    similar length, as a short sequence that is padded to the longest costs as much as that."""
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    """Optimizer (paper: rmsprop)."""
    learning_rate: Annotated[float, Between(3e-4, 2e-2, log=True)] = 3e-3
    """Learning rate at the start."""
    momentum: float = 0.9
    """Momentum, of rmsprop only (paper: 0.9)."""
    beta2: Annotated[float, Choices((0.95, 0.99, 0.999))] = 0.999
    """Decay of Adam's moving average of squared gradients. The nearer to 1, the larger is the step that a
    rare gradient makes after many small ones."""
    epsilon: float = 1e-8
    """Adam's epsilon, added to the root of this average: gradients far below it make small steps."""
    weight_decay: float = 0.0
    """Weight decay."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Decay of the learning rate."""
    decay_start: Annotated[float, Between(0.0, 0.8)] = 0.5
    """Progress at which the learning rate begins to fall."""
    solved_loss: float | None = None
    """Validation loss, in nats a symbol, below which the learning rate begins to fall at once, if that is
    before `decay_start`: large steps only harm what is solved. In either case it falls until the end of
    training. None for never."""
    final_rate: float = 0.01
    """Learning rate at the end, as a share of that at the start."""
    max_grad_norm: Annotated[float | None, Between(0.05, 10, log=True)] = 0.5
    """Largest norm of the gradient, which is scaled down to it; None for no limit."""
    memory_doublings: Annotated[int, Within(0, 8)] = 0
    """Largest number of times that a memory, whose slots are as many as the bound of steps, is doubled: it is
    drawn for each bucket, so that nothing is learnt that depends on the number of slots. Longer sequences
    come with larger memories. 0 for none."""
    memory_sizes: Literal["powers", "all"] = "powers"
    """Sizes that are drawn: powers of two, as evaluation has, or all numbers of slots from that of steps to
    the largest of these powers. Then some memories are nearly full, so that a machine learns to do without
    empty slots."""
    penalty: float = 0.0
    """Weight of the model's own penalty in the loss (the NTM's: the mean entropy of its weightings, which
    makes them sharp), for models that have `with_penalty`."""
    penalty_start: float = 0.3
    """Progress at which the penalty begins to grow from 0: an early penalty prevents learning."""
    penalty_end: float = 0.6
    """Progress at which the penalty reaches its whole weight."""
    ema_decay: Annotated[float, Choices((0.9, 0.99, 0.995))] = 0.99
    """Decay of the exponential moving average of the weights, which is validated and kept; 0 for none."""
    longest_from: float | None = None
    """Progress from which all sequences are of the largest sizes: the lower ends of ranges grow as well, from
    `curriculum_end` on. Inputs that are rare in long sequences are rarer in short ones. None for never."""
    alternate_from: float | None = None
    """Progress from which every second batch is of the largest sizes, however far the others have grown.
    Where `longest_from` gives the small sizes up, this keeps them. None for never."""
    own_actions: float = 0.0
    """Probability, at the end of training, that an interactive task gets the model's own answer, and not that
    of its expert; it grows from 0 with progress. Targets are the expert's answers in any case, so that the
    model learns what to do after errors of its own."""
    use_lessons: bool = False
    """Train on the lessons of the task, one after the other, in place of its training range; other options of
    sizes apply to each lesson. Validations are of the present lesson, at its largest sizes, and the best
    weights of the last lesson that was reached are kept. Lessons with sizes above the training range are for
    experiments: the leaderboard refuses such runs (see `last_lesson`)."""
    last_lesson: int | None = None
    """Number of the last lesson of the task, from 1, to train on; None for all of them. The training range
    itself follows, unless one of them is above it. What comes last lasts until the end of training. It has
    no effect without `use_lessons`."""
    lesson_pass: float = 0.9
    """Sequence accuracy of a validation that passes a lesson. A run that has passed one never restarts."""
    lesson_review: float = 0.1
    """Share of batches that are from earlier lessons, so that these are not forgotten."""
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
    rollback_rate: float = 1.0
    """Factor of the learning rate after each such return, until a restart: steps that destroy what was learnt
    are too large."""
    patience: int = 20
    """Number of updates in a row without a finite loss and gradient after which training gives up."""
    compile: bool = False
    """Compile single steps with torch.compile, for models that loop over steps in Python: faster, after half
    a minute of compiling. It needs a C++ compiler. (The NTM's fused kernel is faster still.)"""
    log_every: int = 25
    """Updates between lines of `metrics.jsonl`."""
    keep_every: int | None = None
    """Sequences after which the present weights are kept too, at the validation that follows: for curves of
    generalisation against training. Each is a complete run in a folder `.kept/SEQUENCES` of the run's own,
    which no board looks into. None for never."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_counts("sequences", "steps", "batch_size", "bucket_size", "patience", "log_every")
        self._check_counts("restart_after", "last_lesson", "keep_every")
        self._check_rate("learning_rate")
        self._check_positive("max_grad_norm", "restart_loss", "solved_loss", "epsilon")
        self._check("rollback", self.rollback is None or 1 < self.rollback < math.inf, "above 1, or None")
        self._check("rollback_rate", 0 < self.rollback_rate <= 1, "above 0, and at most 1")
        for name in ("momentum", "ema_decay", "beta2"):
            self._check(name, 0 <= getattr(self, name) < 1, "a number from 0 to below 1")
        self._check_shares("decay_start", "final_rate", "penalty_start", "penalty_end", "alternate_from")
        self._check_shares("lesson_pass", "lesson_review", "own_actions")
        last = self.longest_from
        valid = last is None or self.curriculum_end < last <= 1
        self._check("longest_from", valid, "above curriculum_end, and at most 1")
        self._check_not_negative("weight_decay", "penalty", "restarts")
        compiled_penalty = self.compile and self.penalty
        self._check("penalty", not compiled_penalty, "0 with compile, which runs single steps")

    def for_task(self, spec: TaskSpec) -> Self:
        """Return the options with the budget in sequences; see :meth:`LearnerConfig.for_task`."""
        if self.steps is None:
            return self
        return replace(self, steps=None, sequences=max(1, self.steps // spec.make().steps(**spec.largest)))

    def rate(self, progress: float, solved_at: float | None = None) -> float:
        """Return the learning rate at a progress from 0 to 1.

        Args:
            progress: The progress.
            solved_at: Progress of the first validation below `solved_loss`; None if there was none.
        """
        start = self.decay_start if solved_at is None else min(self.decay_start, solved_at)
        if self.schedule == "constant" or progress <= start:
            return self.learning_rate
        left = (1 - progress) / (1 - start)
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
