"""Pretrained machines.

Each is a complete run in a folder AGENT/TASK, that of seed 0, with a model card beside it, and the SHA-256 of
its weights in the format of `sha256sum`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ntm_agents.training.checkpoint import CheckpointError

HERE = Path(__file__).parent
WEIGHTS = "model.safetensors"
CHECKSUM = f"{WEIGHTS}.sha256"


def pretrained(agent: str, task: str) -> Path:
    """Return the folder of the run that trained an agent on a task.

    Raises:
        ValueError: If none comes with the package; the message lists those that do.
        CheckpointError: If its weights are not those that came with the package.
    """
    if task not in pretrained_tasks(agent):
        runs = (path.parent for path in sorted(HERE.glob("*/*/summary.json")))
        there = ", ".join(f"{run.parent.name} on {run.name}" for run in runs)
        raise ValueError(f"no trained {agent} on {task} comes with the package; there are: {there}")
    folder = HERE / agent / task
    if checksum(folder) != (folder / CHECKSUM).read_text(encoding="utf-8"):
        raise CheckpointError(
            f"{folder / WEIGHTS} is damaged: its SHA-256 is not that of {CHECKSUM} beside it; "
            "install the package again"
        )
    return folder


def checksum(folder: Path) -> str:
    """Return the line of `sha256sum` about the weights of a run."""
    return f"{hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()}  {WEIGHTS}\n"


def pretrained_tasks(agent: str) -> tuple[str, ...]:
    """Return the names of the tasks on which an agent is pretrained."""
    runs = (path.parent for path in sorted(HERE.glob("*/*/summary.json")))
    return tuple(run.name for run in runs if run.parent.name == agent)
