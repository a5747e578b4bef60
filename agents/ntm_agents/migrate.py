"""The formats of descriptions, and the translation of earlier ones into the names of this version.

The description of an agent, in its `config.json` and its results, never changes: it is stored and hashed as
it was written, and states its format (`"format": 2`; the first had no such field). To build the
model, or to show its options, read the description through `migrate`.

To rename something from now on, append a line to `FORMATS`, which makes it the next format:

    Format(models={"ntm_agents:NTM": Change(options={"order": "head_order"})}),
    Format(models={"ntm_baselines:LSTM": Change(name="ntm_baselines:LongShortTermMemory")}),
    Format(learners={"ppo": Change(options={"n_steps": "rollout_steps"})}),

A line uses the names of the format before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Fields = dict[str, Any]
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Change:
    """The differences of a model or a learner between one format and the next.

    Attributes:
        name: Its new name; None if that stays.
        options: New names of options, by their earlier names.
        dropped: Options that no longer exist, by their new names, each with the value (of JSON) at which it
            had no effect. A record with another value cannot be read.
        ignored: Options that no longer exist, by their new names, which had no effect at any value.
        rewrite: A function for changes beyond these tables: takes the options, after all of the above, and
            returns name and options.
        critics: Prefixes of the names of tensors that belong to a critic, which does not play.
    """

    name: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    rewrite: Callable[[Fields], tuple[str, Fields]] | None = None
    critics: tuple[str, ...] = ()

    def apply(self, name: str, options: Fields) -> tuple[str, Fields]:
        """Return name and options in the next format.

        Raises:
            ValueError: If an option that no longer exists had an effect, or one has both its names.
        """
        if twice := [old for old, new in self.options.items() if old in options and new in options]:
            raise ValueError(
                f"{name} has both {twice[0]} and {self.options[twice[0]]}, the earlier and the present name "
                "of one option; delete one of them"
            )
        renamed = {self.options.get(option, option): value for option, value in options.items()}
        used = {option: value for option, value in renamed.items() if option not in self.ignored}
        left = without(name, used, self.dropped)
        return self.rewrite(left) if self.rewrite else (self.name or name, left)


@dataclass(frozen=True, kw_only=True)
class Format:
    """The differences between one format and the next.

    Attributes:
        models: Changes of models, by entry.
        learners: Changes of learners, by name.
        record: A function for changes of a record as a whole, before all others.
    """

    models: Mapping[str, Change] = field(default_factory=dict)
    learners: Mapping[str, Change] = field(default_factory=dict)
    record: Callable[[Fields], Fields] = dict

    def apply(self, record: Fields) -> Fields:
        """Return a record in the next format.

        Raises:
            ValueError: If an option that no longer exists had an effect.
        """
        made = self.record(record)
        for table, name, options in ((self.models, "entry", "model"), (self.learners, "learner", "train")):
            change = table.get(str(made.get(name)))
            if change and isinstance(made.get(options), Mapping):
                made[name], made[options] = change.apply(made[name], dict(made[options]))
        return made


def without(name: str, options: Mapping[str, Any], dropped: Mapping[str, Any]) -> Fields:
    """Return options without those that no longer exist.

    Args:
        name: The name of the model or learner, for the message.
        options: The options.
        dropped: Those that no longer exist, each with the value at which it had no effect.

    Raises:
        ValueError: If one of them has another value.
    """
    for option, default in dropped.items():
        if (value := options.get(option, default)) != default:
            raise ValueError(
                f"{name} has {option}={value!r}, an option that no longer exists; expected {default!r}, or "
                "use the version of ntm-envs that wrote it"
            )
    return {option: value for option, value in options.items() if option not in dropped}


def _name_the_learner(record: Fields) -> Fields:
    """Replace the track, and the algorithm among the training options, by the name of the learner."""
    train, made = record.get("train"), dict(record)
    track = made.pop("track", "supervised")  # the earliest runs have none
    if isinstance(train, Mapping):
        made.setdefault("learner", train.get("algorithm", "ppo") if track == "reward" else track)
        made["train"] = {name: value for name, value in train.items() if name != "algorithm"}
    return made


_ABSENT: Mapping[str, Fields] = {
    "ntm_agents:ExtendedNTM": {
        "jump_bias": -1.5,
        "jump_noise": 0.0,
        "signal_channels": [],
        "counter_channels": [],
        "counter_bias": 0.0,
        "counter_noise": 0.0,
    },
    "ntm_agents:JumpNTM": {
        "followers": 0,
        "key_width": None,
        "skip_connection": False,
        "output_hidden_size": 0,
    },
}
"""Options of the first NTM, which had all extensions in one, that the machines made of it do not have."""
_CHANNELS = {8: "delimiter", 9: "count"}
"""Names of channels by the indices that were written: those of RepeatCopy, the only task that used some."""


def _machine_of(options: Fields) -> tuple[str, Fields]:
    """Return the machine that the first NTM, with an option `jump`, is now, and its options."""
    name = "ntm_agents:JumpNTM" if options.pop("jump", False) else "ntm_agents:ExtendedNTM"
    made = without(name, options, _ABSENT[name])
    for option in made.keys() & {"signal_channels", "counter_channels"}:
        made[option] = [_CHANNELS.get(index, index) for index in made[option]]
    return name, made


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
        record=_name_the_learner,
        models={
            "ntm_agents.ntm:NTM": Change(
                options=_NTM,
                dropped={"write_mode": "erase_add", "epsilon_at": "product"},
                rewrite=_machine_of,
            ),
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
"""The changes from each format to the next: the first line is those from format 1 to format 2."""

FORMAT = 1 + len(FORMATS)
"""The format that is written."""


def migrate(record: Mapping[str, Any]) -> Fields:
    """Return a description of any format in the names of this version.

    Args:
        record: A `config.json`: its `format`, `entry`, `model`, `learner` and `train`. Other fields stay as
            they are.

    Raises:
        ValueError: If the format is unknown, or an option that no longer exists had an effect.
    """
    made = dict(record)
    for change in FORMATS[_format_of(record) - 1 :]:
        made = change.apply(made)
    return made | {"format": 1 + len(FORMATS)}


def earlier_options(table: Literal["models", "learners"]) -> dict[str, str]:
    """Return the present names of renamed options by their earlier names, for error messages."""
    found: dict[str, str] = {}
    for change in FORMATS:
        for one in getattr(change, table).values():
            found |= one.options
    return found


def playing(record: Mapping[str, Any], tensors: Mapping[str, Value]) -> dict[str, Value]:
    """Return the tensors of a run that play: all but those of critics, which the first format kept.

    Args:
        record: The run's `config.json`.
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
