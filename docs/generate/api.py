"""A page for each public module, with all its public names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from generate import rst

MODULES = (
    "ntm_envs",
    "ntm_envs.tasks",
    "ntm_envs.answers",
    "ntm_envs.keyed",
    "ntm_envs.playing",
    "ntm_envs.testing",
    "ntm_agents",
    "ntm_agents.protocol",
    "ntm_agents.memory_machine",
    "ntm_agents.addressing",
    "ntm_agents.controllers",
    "ntm_agents.heads",
    "ntm_agents.memory",
    "ntm_agents.readout",
    "ntm_agents.training",
    "ntm_agents.testing",
    "ntm_baselines",
    "ntm_baselines.sb3",
    "ntm_leaderboard.results",
    "ntm_leaderboard.harness.ladder",
    "ntm_leaderboard.board.statistics",
)
"""Modules whose names others may rely on."""


def write(folder: Path) -> None:
    """Write the pages of the modules; a name that several export is described once."""
    seen = set[int]()
    for name in MODULES:
        module = import_module(name)
        exported = {public: id(getattr(module, public)) for public in getattr(module, "__all__", ())}
        known = [public for public, identity in exported.items() if identity in seen]
        seen |= set(exported.values())
        options = f"   :members:\n   :exclude-members: {', '.join(known)}" if known else "   :members:"
        rst.write(folder / f"{name}.rst", rst.heading(name), f".. automodule:: {name}\n{options}")
    rst.write(folder / "index.rst", rst.heading("API reference"), rst.toctree(*MODULES))
