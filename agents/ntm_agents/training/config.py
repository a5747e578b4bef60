"""What a training run does, as frozen dataclasses: every field is an option of the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from ntm_envs.tasks import Size

Track: TypeAlias = Literal["supervised", "reward"]
"""What is learnt from: right answers, or rewards alone."""
Privilege: TypeAlias = Literal["long_validation", "best_of_seeds", "task_channels"]
"""What a run may have beyond the rules, if its result declares it: choices that were made on sizes beyond the
training range (`long_validation`), several seeds that were trained and one that was kept (`best_of_seeds`), a
model that was told what a channel of its task means (`task_channels`)."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained. Progress goes from 0 to 1, from the start, or the last restart, to the end."""

    track: ClassVar[Track] = "supervised"

    sequences: int = 32_000
    """Budget: how many training sequences are seen from the start, or the last restart, to the end. Those
    before a restart come on top; results count them in."""
    minutes: float | None = None
    """Second budget, in minutes of training; a run that it ends cannot be repeated to the byte, and its
    schedule and curriculum, which follow `sequences`, are cut off."""
    batch_size: int = 32
    """Sequences of a batch."""
    mixed_sizes: bool = False
    """Whether the sequences of a batch differ in size (shorter ones are padded, and each answer bit
    counts the same), or each batch has one size."""
    bucket_size: int = 8
    """How many sequences of mixed sizes go through the model together: a batch is cut into parts of like
    length, as a short sequence that is padded to the longest costs as much as that."""
    task_overrides: Mapping[str, float] = field(default_factory=dict)
    """Parameters of the task that are others in training, such as `blank 0.1`: what is rare in random
    sequences is learnt late."""
    optimizer: Literal["adam", "adamw", "rmsprop"] = "adam"
    """The optimizer (paper: rmsprop)."""
    learning_rate: float = 3e-3
    """Step size at the start."""
    momentum: float = 0.9
    """Momentum, of rmsprop alone (paper: 0.9)."""
    beta2: float = 0.999
    """Decay of Adam's mean of squared gradients. The nearer to 1, the larger is the step that a rare gradient
    makes after many small ones."""
    epsilon: float = 1e-8
    """What Adam adds to the root of this mean: gradients far below it make small steps."""
    weight_decay: float = 0.0
    """Weight decay."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate falls."""
    decay_start: float = 0.5
    """Progress at which the learning rate begins to fall."""
    final_rate: float = 0.01
    """The share of the learning rate that is left at the end."""
    max_grad_norm: float | None = 0.5
    """Largest norm of the gradient; None for no limit."""
    penalty: float = 0.0
    """Weight of the model's own penalty in the loss (the NTM's: the mean entropy of its weightings, which
    makes them sharp), for models that have `with_penalty`."""
    penalty_start: float = 0.3
    """Progress at which the penalty begins to grow from 0: before anything is learnt it is in the way."""
    penalty_end: float = 0.6
    """Progress at which it has its whole weight."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is what is validated and kept; 0 for none."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Sizes that are trained on in place of the task's training range, none above it, such as `items 5 6`."""
    curriculum: Mapping[str, int] = field(default_factory=dict)
    """Sizes that grow: the upper end that their range starts with, such as `repeats 3`."""
    curriculum_end: float = 0.5
    """Progress at which the curriculum reaches the whole training range."""
    longest_from: float | None = None
    """Progress from which all sequences are of the largest sizes: the lower ends of ranges grow as well, from
    `curriculum_end` on. What is rare in long sequences is rarer in short ones. None for never."""
    restart_after: int | None = None
    """Start again from new weights if after this many sequences the validation loss is still above
    `restart_loss`. None for never."""
    restart_loss: float = 0.6
    """See `restart_after`; in nats a symbol: guessing costs 0.693 a bit."""
    restarts: int = 3
    """How often that is done at most."""
    rollback: float | None = None
    """Go back to the best weights when the validation loss is more than so many times that of the best: what
    was learnt can be lost by one step. None for never."""
    validate_every: int = 2_000
    """Sequences between validations, at the largest training size; the best weights are kept."""
    validation_sequences: int = 64
    """Sequences of a validation, the same ones each time."""
    patience: int = 20
    """Give up after so many updates in a row with a loss or gradient that is not finite."""
    compile: bool = False
    """Compile single steps with torch.compile, for models that loop over steps in Python: faster, after half
    a minute of compiling. It needs a C++ compiler. (The NTM's fused kernel is faster still.)"""
    privileges: tuple[Privilege, ...] = ()
    """What the run is allowed beyond the rules, which its result declares. It changes nothing in training."""
    log_every: int = 25
    """Updates between lines of `metrics.jsonl`."""
    checkpoint_seconds: float = 30.0
    """Seconds between checkpoints."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", {n: tuple(s) for n, s in self.sizes.items()})  # JSON gives lists
        object.__setattr__(self, "privileges", tuple(self.privileges))
        counts = ("sequences", "batch_size", "bucket_size", "validate_every", "validation_sequences")
        for name in (*counts, "patience", "log_every", "restart_after"):
            value = getattr(self, name)
            _check(self, name, value is None or value >= 1, "at least 1")
        for name in (
            "learning_rate",
            "max_grad_norm",
            "minutes",
            "restart_loss",
            "checkpoint_seconds",
            "epsilon",
        ):
            value = getattr(self, name)
            _check(self, name, value is None or 0 < value < math.inf, "a positive number")
        _check(self, "rollback", self.rollback is None or 1 < self.rollback < math.inf, "above 1, or None")
        for name in ("momentum", "ema_decay", "beta2"):
            _check(self, name, 0 <= getattr(self, name) < 1, "a number from 0 to below 1")
        for name in ("decay_start", "final_rate", "curriculum_end", "penalty_start", "penalty_end"):
            _check(self, name, 0 <= getattr(self, name) <= 1, "a number from 0 to 1")
        last = self.longest_from
        valid = last is None or self.curriculum_end < last <= 1
        _check(self, "longest_from", valid, "above curriculum_end, and at most 1")
        for name in ("weight_decay", "penalty", "restarts"):
            _check(self, name, 0 <= getattr(self, name) < math.inf, "at least 0 and finite")
        _check(self, "penalty", not (self.compile and self.penalty), "0 with compile, which has steps alone")
        _check(self, "optimizer", self.optimizer in ("adam", "adamw", "rmsprop"), "adam, adamw or rmsprop")
        _check_privileges(self)
        schedules = ("constant", "linear", "cosine")
        _check(self, "schedule", self.schedule in schedules, "constant, linear or cosine")

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
        """Return the sizes to train on at a progress from 0 to 1, none above the training range.

        Raises:
            ValueError: If `sizes` go above the training range or name another size, or if the curriculum
                names one that has no range, or leaves it.
        """
        sizes = _sizes_at(self, training, progress)
        if self.longest_from is not None and progress > self.curriculum_end:
            grown = min(1.0, (progress - self.curriculum_end) / (self.longest_from - self.curriculum_end))
            for name, size in sizes.items():
                if isinstance(size, tuple):
                    sizes[name] = (size[0] + round(grown * (size[1] - size[0])), size[1])
        return sizes


@dataclass(frozen=True, kw_only=True)
class RewardConfig:
    """How an agent learns from rewards alone, by Stable-Baselines3.

    It is told each step's own reward, from -1 to 1, and not its share of the episode's.
    """

    track: ClassVar[Track] = "reward"

    algorithm: Literal["ppo", "a2c"] = "ppo"
    """Proximal policy optimisation, with the memory of the model if it has one; or advantage actor-critic."""
    total_timesteps: int = 800_000
    """Budget: how many steps of environments are taken."""
    num_envs: int = 64
    """Environments that are played side by side."""
    n_steps: int = 128
    """Steps of each environment between updates."""
    batch_size: int = 512
    """Steps of a batch, of PPO alone."""
    n_epochs: int = 4
    """How often the steps of a rollout are learnt from, of PPO alone."""
    learning_rate: float = 1e-3
    """Step size at the start."""
    decay_start: float = 0.5
    """Progress from 0 to 1 at which the learning rate begins to fall to 0."""
    gamma: float = 0.0
    """Discount of later rewards. What is answered changes nothing in what comes, so 0 has the least noise."""
    gae_lambda: float = 0.95
    """How far the estimate of an advantage looks ahead; nothing with a gamma of 0."""
    clip_range: float = 0.2
    """How far the probability of an action may move in an update, of PPO alone."""
    ent_coef: float = 0.05
    """Weight of the policy's entropy, which falls with the learning rate. It keeps open what has not been
    learnt: a coin that earns the same on either side drifts to one of them, and one that always falls alike
    has nothing left to learn from."""
    vf_coef: float = 0.5
    """Weight of the critic's loss."""
    max_grad_norm: float = 0.5
    """Largest norm of the gradient."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Sizes that are trained on in place of the task's training range, none above it: `length 1 5`."""
    curriculum: Mapping[str, int] = field(default_factory=dict)
    """Sizes that grow: the upper end that their range starts with, such as `repeats 1`."""
    curriculum_end: float = 0.5
    """Progress at which the curriculum reaches the whole training range."""
    task_overrides: Mapping[str, float] = field(default_factory=dict)
    """Parameters of the task that are others in training, such as `blank 0.1`."""
    validate_every: int = 50_000
    """Steps between validations, at the largest training size; the weights of the best return are kept."""
    validation_sequences: int = 64
    """Sequences of a validation, the same ones each time."""
    privileges: tuple[Privilege, ...] = ()
    """What the run is allowed beyond the rules, which its result declares. It changes nothing in training."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", {n: tuple(s) for n, s in self.sizes.items()})  # JSON gives lists
        object.__setattr__(self, "privileges", tuple(self.privileges))
        counts = (
            "total_timesteps",
            "num_envs",
            "n_steps",
            "batch_size",
            "n_epochs",
            "validate_every",
            "validation_sequences",
        )
        for name in counts:
            _check(self, name, getattr(self, name) >= 1, "at least 1")
        for name in ("learning_rate", "clip_range", "max_grad_norm"):
            _check(self, name, 0 < getattr(self, name) < math.inf, "a positive number")
        for name in ("gamma", "gae_lambda", "decay_start", "curriculum_end"):
            _check(self, name, 0 <= getattr(self, name) <= 1, "a number from 0 to 1")
        for name in ("ent_coef", "vf_coef"):
            _check(self, name, 0 <= getattr(self, name) < math.inf, "at least 0 and finite")
        _check(self, "algorithm", self.algorithm in ("ppo", "a2c"), "ppo or a2c")
        _check_privileges(self)

    def rate(self, progress: float) -> float:
        """Return the learning rate of an update before which a share of the training, below 1, is done."""
        return self.learning_rate * min(1.0, (1 - progress) / max(1 - self.decay_start, 1e-9))

    def sizes_at(self, training: Mapping[str, int | tuple[int, int]], progress: float) -> dict[str, Size]:
        """Return the sizes to train on at a progress from 0 to 1; see :meth:`TrainConfig.sizes_at`."""
        return _sizes_at(self, training, progress)


def _sizes_at(
    config: TrainConfig | RewardConfig, training: Mapping[str, int | tuple[int, int]], progress: float
) -> dict[str, Size]:
    """Return the training range, or `sizes` in its place, as far as the curriculum has come."""
    for name, (low, high) in config.sizes.items():
        whole = training.get(name, 0)
        if not 1 <= low <= high <= (whole if isinstance(whole, int) else whole[1]):
            raise ValueError(
                f"sizes has {name}={(low, high)}; expected sizes of the training range, or below it: "
                f"{dict(training)}"
            )
    training = {**training, **config.sizes}
    sizes: dict[str, Size] = dict(training)
    done = min(1.0, progress / config.curriculum_end) if config.curriculum_end else 1.0
    for name, start in config.curriculum.items():
        bounds = training.get(name)
        if not isinstance(bounds, tuple) or not bounds[0] <= start <= bounds[1]:
            raise ValueError(
                f"curriculum has {name}={start}; expected a size with a range, and a start inside it: "
                f"{dict(training)}"
            )
        sizes[name] = (bounds[0], start + round(done * (bounds[1] - start)))
    return sizes


def _check_privileges(config: TrainConfig | RewardConfig) -> None:
    known = set(get_args(Privilege))
    _check(config, "privileges", known.issuperset(config.privileges), f"some of {sorted(known)}")


def _check(config: Any, name: str, valid: bool, expected: str) -> None:
    if not valid:
        raise ValueError(f"{name} is {getattr(config, name)!r}; expected {expected}")
