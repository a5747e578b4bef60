"""The command that trains a run again, and its configuration as JSON."""

from __future__ import annotations

import json
import shlex
from typing import Any

from ntm_agents import Run
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.rows import in_present_names
from ntm_leaderboard.harness.entrants import AGENTS, new_run
from ntm_leaderboard.results import Result


def configuration(result: Result) -> str:
    """Return the options of model and training, as JSON."""
    present = in_present_names(result)
    return json.dumps({part: present.get(part) for part in ("model", "train")}, indent=2)


def command(result: Result, spec: TaskSpec) -> str | None:
    """Return the command that trains a run again: the present recipe, and the options that differ from it.

    There is none for agents that are not of this project, or if an option no longer exists.
    """
    entries = {row.name: row.entry for row in AGENTS}
    if result.training is None or entries.get(result.agent) != in_present_names(result)["entry"]:
        return None  # nor is the module of another entry imported
    names = {"agent": result.agent, "task": spec.name, "seed": result.seed}
    try:
        now, then = (
            json.loads(json.dumps(run.resolved()))
            for run in (new_run(result.agent, spec.name), Run.of({**result.description, **names}))
        )
    except (ModuleNotFoundError, TypeError, ValueError):
        return None
    if then["learner"] != now["learner"]:
        return None
    words = ["ntm-envs", "train", "--agent", result.agent, "--task", spec.name, "--seed", str(result.seed)]
    for prefix, part in (("", "train"), ("model.", "model")):
        for name, value in then[part].items():
            if value == now[part][name]:
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
