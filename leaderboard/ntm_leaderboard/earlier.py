"""Records of earlier versions of the schema, read as those of the present one."""

from __future__ import annotations

from typing import Any, Literal

VERSION: Literal[3] = 3
"""The version of the schema that is written."""
RENAMED = {"bits": "symbols", "wrong_bits": "wrong_symbols", "coin-flips": "uniform"}
"""New names of fields of rungs, by those of version 1."""


def migrate(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of any known version as one of the present version.

    Raises:
        ValueError: If its version is unknown.
    """
    version = record.get("schema_version", VERSION)
    if type(version) is not int or not 1 <= version <= VERSION:
        shown = version if isinstance(version, int | float) and abs(version) < 2**63 else type(version)
        raise ValueError(
            f"schema_version is {shown!r}; this ntm-envs reads 1 to {VERSION}, so delete the result and "
            "evaluate the run again, or use the version of ntm-envs that it names"
        )
    for change in (_with_symbols, _with_learner)[version - 1 :]:
        record = change(record)
    return record


def _with_symbols(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of version 1 as one of version 2."""

    def renamed(part: Any) -> Any:
        if isinstance(part, dict):
            return {RENAMED.get(name, name): renamed(value) for name, value in part.items()}
        return part

    if isinstance(rungs := record.get("rungs"), list):
        record = {**record, "rungs": [renamed(rung) for rung in rungs]}
    return {**record, "schema_version": 2}


def _with_learner(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of version 2, which has a track and no format, as one of version 3."""
    training = record.get("training")
    if isinstance(training, dict):
        track, recipe = training.get("track", "supervised"), training.get("recipe")
        learner = recipe.get("algorithm", "ppo") if track == "reward" and isinstance(recipe, dict) else track
        record = {**record, "training": {"track": track, "learner": learner, **training}}
    return {**record, "format": 1, "schema_version": 3}
