"""The NTM with one recipe for every task."""

from __future__ import annotations

from ntm_agents.recipes.ntm import DEFAULT
from ntm_agents.spec import AgentSpec

ROW = AgentSpec(
    name="ntm-one",
    entry="ntm_agents:ExtendedNTM",
    summary="NTM with one model and one training for all tasks, the default recipe of `ntm`",
    default=DEFAULT,
)
