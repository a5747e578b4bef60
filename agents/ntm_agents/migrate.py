"""Names of the past: how descriptions of earlier formats are read by this version.

What describes an agent, its `config.json` and what results repeat of it, is never changed: it is stored and
hashed as it was written, and says in which format that was (`"format": 2`; the first had no such field).
Whoever needs the run itself, to build its model or to show its options, reads it through `migrate`.

To rename something from now on, append a line to `FORMATS`, which makes it the next format:

    Format(models={"ntm_agents:NTM": Change(options={"order": "head_order"})}),
    Format(models={"ntm_baselines:LSTM": Change(name="ntm_baselines:LongShortTermMemory")}),
    Format(learners={"ppo": Change(options={"n_steps": "rollout_steps"})}),

Names in a line are those of records of the format before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Options = dict[str, Any]
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Change:
    """How a model or a learner is described from the next format on.

    Attributes:
        name: Its name from then on; None if that stays.
        options: The options that have another name, by the one before.
        dropped: The options that there are no more, by the new name, each with the value at which it did
            nothing. A record with another value cannot be read.
        ignored: The options that there are no more, by the new name, which did nothing at any value.
        rewrite: What no table can say: returns name and options for options, after all of the above.
        critics: How the names of tensors begin that were kept beside the weights and do not play.
    """

    name: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    rewrite: Callable[[Options], tuple[str, Options]] | None = None
    critics: tuple[str, ...] = ()

    def apply(self, name: str, options: Options) -> tuple[str, Options]:
        """Return name and options in the next format.

        Raises:
            ValueError: If an option that was dropped has a value that cannot be dropped.
        """
        renamed = {self.options.get(option, option): value for option, value in options.items()}
        used = {option: value for option, value in renamed.items() if option not in self.ignored}
        left = without(name, used, self.dropped)
        return self.rewrite(left) if self.rewrite else (self.name or name, left)


@dataclass(frozen=True, kw_only=True)
class Format:
    """What becomes of records of one format in the next; what is not named stays as it is.

    Attributes:
        models: By the entry of the model.
        learners: By the name of the learner.
        record: What is done with a record as a whole, before all else.
    """

    models: Mapping[str, Change] = field(default_factory=dict)
    learners: Mapping[str, Change] = field(default_factory=dict)
    record: Callable[[Options], Options] = dict

    def apply(self, record: Options) -> Options:
        """Return a record in the next format.

        Raises:
            ValueError: If an option that was dropped has a value that cannot be dropped.
        """
        made = self.record(record)
        for table, name, options in ((self.models, "entry", "model"), (self.learners, "learner", "train")):
            change = table.get(str(made.get(name)))
            if change and isinstance(made.get(options), Mapping):
                made[name], made[options] = change.apply(made[name], dict(made[options]))
        return made


def without(name: str, options: Mapping[str, Any], dropped: Mapping[str, Any]) -> Options:
    """Return options without those that there are no more.

    Raises:
        ValueError: If one of them has another value than that at which it did nothing.
    """
    for option, default in dropped.items():
        if (value := options.get(option, default)) != default:
            raise ValueError(
                f"{name} has {option}={value!r}, an option that there is no more; expected {default!r}, or "
                "the version of ntm-envs that wrote it"
            )
    return {option: value for option, value in options.items() if option not in dropped}


def _say_the_learner(record: Options) -> Options:
    """Replace the track, and the algorithm among the options of training, by the name of the learner."""
    train, made = record.get("train"), dict(record)
    track = made.pop("track", "supervised")  # the earliest runs do not say it
    if isinstance(train, Mapping):
        made.setdefault("learner", train.get("algorithm", "ppo") if track == "reward" else track)
        made["train"] = {name: value for name, value in train.items() if name != "algorithm"}
    return made


_LAYERS = {"depth": "num_layers", "orthogonal": "orthogonal_init", "units": "hidden_size"}
_NTM = {
    **_LAYERS,
    "count_bias": "counter_bias",
    "count_noise": "counter_noise",
    "counted": "counter_channels",
    "feedback": "read_feedback",
    "head_start": "head_init",
    "memory_scale": "memory_init_scale",
    "memory_start": "memory_init",
    "noise": "controller_noise",
    "output_units": "output_hidden_size",
    "signals": "signal_channels",
    "skip": "skip_connection",
}
_SUPERVISED = {"average": "ema_decay", "clip_norm": "max_grad_norm", "lessons": "task_overrides"}
_REWARDS = {
    "clip_norm": "max_grad_norm",
    "entropy": "ent_coef",
    "epochs": "n_epochs",
    "lessons": "task_overrides",
    "rollout": "n_steps",
    "steps": "total_timesteps",
    "value_weight": "vf_coef",
}

FORMATS: tuple[Format, ...] = (
    Format(
        record=_say_the_learner,
        models={
            "ntm_agents.ntm:NTM": Change(name="ntm_agents:NTM", options=_NTM),
            "ntm_baselines.lstm:LSTM": Change(name="ntm_baselines:LSTM", options=_LAYERS),
            "ntm_baselines.reference:Constant": Change(name="ntm_baselines:Constant"),
            "ntm_baselines.reference:Uniform": Change(name="ntm_baselines:Uniform"),
            "ntm_baselines.reference:oracle": Change(name="ntm_baselines:oracle"),
            "ntm_baselines.reference:reference": Change(name="ntm_baselines:reference"),
            "ntm_baselines.sb3.policies:FeedForward": Change(
                name="ntm_baselines:FeedForward",
                options=_LAYERS,
                critics=("policy.value_net.", "policy.mlp_extractor.value_net."),
            ),
            "ntm_baselines.sb3.policies:Recurrent": Change(
                name="ntm_baselines:Recurrent",
                options=_LAYERS,
                critics=("policy.value_net.", "policy.mlp_extractor.value_net.", "policy.lstm_critic."),
            ),
        },
        learners={
            "supervised": Change(options=_SUPERVISED),
            "ppo": Change(options=_REWARDS),
            "a2c": Change(options=_REWARDS, ignored=("batch_size", "n_epochs", "clip_range")),
        },
    ),
)
"""What has changed, from the first format on: record N + 1 of this table brings format N + 1 to N + 2."""

FORMAT = 1 + len(FORMATS)
"""The format that is written."""


def migrate(record: Mapping[str, Any]) -> Options:
    """Return what a description of any format says, in the names of this version.

    Args:
        record: What a `config.json` holds: `format`, `entry` and `model`, `learner` and `train`, and others,
            which stay as they are.

    Raises:
        ValueError: If the format is unknown, or an option that was dropped has a value that cannot be.
    """
    made = dict(record)
    for change in FORMATS[_format_of(record) - 1 :]:
        made = change.apply(made)
    return made | {"format": 1 + len(FORMATS)}


def playing(record: Mapping[str, Any], tensors: Mapping[str, Value]) -> dict[str, Value]:
    """Return those of a run's tensors that play: without critics, which earlier formats kept among them.

    Args:
        record: What the run's `config.json` holds.
        tensors: The tensors by name.
    """
    critics: list[str] = []
    for change in FORMATS[_format_of(record) - 1 :]:
        critics += change.models.get(str(record.get("entry")), Change()).critics
        record = change.apply(dict(record))
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(tuple(critics))}


def _format_of(record: Mapping[str, Any]) -> int:
    """Return the format of a record."""
    found, newest = record.get("format", 1), 1 + len(FORMATS)
    if type(found) is not int or not 1 <= found <= newest:
        raise ValueError(
            f"format is {found!r}; this ntm-envs reads 1 to {newest}, so use the version that wrote it"
        )
    return found
