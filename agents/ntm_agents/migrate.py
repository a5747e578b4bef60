"""Names of the past: how runs that were written by an earlier version are read by this one.

A run's `config.json` is never changed: results and commitments hold it as it was written. Whoever needs the
run itself, to build its model or to show its options, reads it through `migrate`. To rename a model or an
option, add a line to a table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ntm_agents.legacy import with_learner

ENTRIES = {
    "ntm_agents.ntm:NTM": "ntm_agents:ExtendedNTM",
    "ntm_baselines.lstm:LSTM": "ntm_baselines:LSTM",
    "ntm_baselines.reference:Constant": "ntm_baselines:Constant",
    "ntm_baselines.reference:Uniform": "ntm_baselines:Uniform",
    "ntm_baselines.reference:oracle": "ntm_baselines:oracle",
    "ntm_baselines.reference:reference": "ntm_baselines:reference",
    "ntm_baselines.sb3.policies:FeedForward": "ntm_baselines:FeedForward",
    "ntm_baselines.sb3.policies:Recurrent": "ntm_baselines:Recurrent",
}
"""Models, by the reference that was written. The present names are public ones, `package:Class`."""

MODEL_OPTIONS = {
    "count_bias": "counter_bias",
    "count_noise": "counter_noise",
    "counted": "counter_channels",
    "depth": "num_layers",
    "feedback": "read_feedback",
    "head_start": "head_init",
    "memory_scale": "memory_init_scale",
    "memory_start": "memory_init",
    "noise": "controller_noise",
    "orthogonal": "orthogonal_init",
    "output_units": "output_hidden_size",
    "signals": "signal_channels",
    "skip": "skip_connection",
    "units": "hidden_size",
}
"""Options of the project's own models, by their earlier names."""

TRAIN_OPTIONS = {
    "average": "ema_decay",
    "clip_norm": "max_grad_norm",
    "entropy": "ent_coef",
    "epochs": "n_epochs",
    "lessons": "task_overrides",
    "rollout": "n_steps",
    "steps": "total_timesteps",
    "value_weight": "vf_coef",
}
"""Options of training configurations, by their earlier names."""


NTM_OPTIONS: dict[str, dict[str, Any]] = {
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
"""Defaults of options of the NTM of the first versions, which was one machine with an option `jump`, that the
machine which came of it does not have."""

GONE = {"write_mode": "erase_add", "epsilon_at": "product"}
"""Defaults of options of that NTM that no machine has."""

CHANNELS = {8: "delimiter", 9: "count"}
"""Names of channels by the indices that were written: those of RepeatCopy, the only task with some."""


def migrate(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a `config.json` of any version says, in the names of this version."""
    entry = str(run.get("entry"))
    renamed = with_learner({**run, "train": _renamed(run.get("train"), TRAIN_OPTIONS)})
    if entry in ENTRIES:
        renamed |= {"entry": ENTRIES[entry], "model": _renamed(run.get("model"), MODEL_OPTIONS)}
    if entry == "ntm_agents.ntm:NTM" and isinstance(renamed["model"], Mapping):
        renamed["entry"], renamed["model"] = _machine(dict(renamed["model"]))
    return renamed


def _machine(options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the machine that an NTM of the first versions is now, and its options.

    Raises:
        ValueError: If it uses what that machine does not have.
    """
    entry = "ntm_agents:JumpNTM" if options.pop("jump", False) else "ntm_agents:ExtendedNTM"
    for name, default in (NTM_OPTIONS[entry] | GONE).items():
        if (value := options.pop(name, default)) != default:
            raise ValueError(f"{name} is {value!r}; expected {default!r}, as {entry} has no such option")
    for name in ("signal_channels", "counter_channels"):
        if name in options:
            options[name] = [CHANNELS.get(index, index) for index in options[name]]
    return entry, options


def _renamed(options: Any, names: Mapping[str, str]) -> Any:
    """Return options with their present names, or what is no mapping as it is."""
    if not isinstance(options, Mapping):
        return options
    return {names.get(name, name): value for name, value in options.items()}
