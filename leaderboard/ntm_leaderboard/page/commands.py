"""The command that trains a run again, and its configuration as JSON."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import Any

from ntm_agents import config_class
from ntm_envs.lookup import load
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.harness.entrants import AGENTS, new_run
from ntm_leaderboard.results import Result


def configuration(result: Result) -> str:
    """Return the options of model and training, as JSON."""
    recipe = result.training.recipe if result.training else None
    return json.dumps({"model": result.model, "train": recipe}, indent=2)


def command(result: Result, spec: TaskSpec) -> str | None:
    """Return the command that trains a run again: the present recipe, and the options that differ from it.

    There is none for agents that are not of this project, or if an option no longer exists.
    """
    if result.training is None or result.agent not in {row.name for row in AGENTS}:
        return None
    run = new_run(result.agent, spec.name)
    if run.learner_row().track != result.training.track:
        return None
    words = ["ntm-envs", "train", "--agent", result.agent, "--task", spec.name, "--seed", str(result.seed)]
    options = config_class(load(run.entry))
    recipe = json.loads(json.dumps(run.resolved()))
    for prefix, then, config in (
        ("", result.training.recipe, type(run.train)),
        ("model.", result.model, options),
    ):
        now = recipe[prefix.rstrip(".") or "train"]
        then = json.loads(json.dumps(dataclasses.asdict(config()))) | then  # options that are newer
        if then.keys() != now.keys():
            return None
        for name, value in then.items():
            if value == now[name]:
                continue
            option = (prefix + name).replace("_", "-")
            if isinstance(value, bool):
                words.append(f"--{option}" if value else f"--{prefix}no-{name.replace('_', '-')}")
            else:
                words += [f"--{option}", *_words(value)]
    return shlex.join(words)


def _words(value: Any) -> list[str]:
    """Return a value of JSON as arguments of the command line."""
    if isinstance(value, dict):
        return [word for name, item in value.items() for word in (name, *_words(item))]
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return [str(value)]
