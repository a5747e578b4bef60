"""Runs of earlier versions: the learner that they mean, and the critics among their weights.

See :mod:`ntm_agents.migrate` for names of models and options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

CRITICS = ("policy.lstm_critic.", "policy.mlp_extractor.value_net.", "policy.value_net.")
"""Prefixes of the names of critics' tensors in weights of Stable-Baselines3's own policies."""
WITH_CRITICS = ("ntm_baselines:FeedForward", "ntm_baselines:Recurrent")
"""The models whose weights were kept with their critics."""
PPO_ONLY = ("batch_size", "n_epochs", "clip_range")
"""Options that earlier versions wrote for A2C too, which has no use for them."""


def with_learner(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of a `config.json`, with the name of its learner.

    Earlier versions wrote a `track`, ``supervised`` or ``reward``, and of the latter an `algorithm` among the
    training options, ``ppo`` or ``a2c``; those of the first versions wrote neither and were supervised.
    """
    record = dict(run)
    if "learner" in record:
        return record
    track = record.pop("track", "supervised")
    if track != "reward":
        return {**record, "learner": track}
    options = dict(record.get("train") or {})
    learner = options.pop("algorithm", "ppo")
    if learner == "a2c":
        options = {name: value for name, value in options.items() if name not in PPO_ONLY}
    return {**record, "learner": learner, "train": options}


def without_critics(entry: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that play, of those that a run has kept.

    Args:
        entry: The public name of the model, such as ``ntm_baselines:FeedForward``.
        tensors: The weights of its `model.safetensors`.
    """
    if entry not in WITH_CRITICS:
        return dict(tensors)
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(CRITICS)}
