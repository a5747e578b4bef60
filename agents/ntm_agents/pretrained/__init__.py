"""Pretrained machines.

Each is a complete run in a folder AGENT/TASK, that of seed 0, with a model card beside it.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def pretrained(agent: str, task: str) -> Path:
    """Return the folder of the run that trained an agent on a task.

    Raises:
        ValueError: If none comes with the package; the message lists those that do.
    """
    folder = HERE / agent / task
    if task not in pretrained_tasks(agent):
        runs = (path.parent for path in sorted(HERE.glob("*/*/summary.json")))
        there = ", ".join(f"{run.parent.name} on {run.name}" for run in runs)
        raise ValueError(f"no trained {agent} on {task} comes with the package; there are: {there}")
    return folder


def pretrained_tasks(agent: str) -> tuple[str, ...]:
    """Return the names of the tasks on which an agent is pretrained."""
    return tuple(path.parent.name for path in sorted(HERE.glob(f"{agent}/*/summary.json")))
