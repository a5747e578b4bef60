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
    "ntm_agents.ntm:NTM": "ntm_agents:NTM",
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


def migrate(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a `config.json` of any version says, in the names of this version."""
    entry = str(run.get("entry"))
    renamed = with_learner({**run, "train": _renamed(run.get("train"), TRAIN_OPTIONS)})
    if entry in ENTRIES:
        renamed |= {"entry": ENTRIES[entry], "model": _renamed(run.get("model"), MODEL_OPTIONS)}
    return renamed


def _renamed(options: Any, names: Mapping[str, str]) -> Any:
    """Return options with their present names, or what is no mapping as it is."""
    if not isinstance(options, Mapping):
        return options
    return {names.get(name, name): value for name, value in options.items()}
