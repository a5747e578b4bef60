"""The nearest neighbour among drawings."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec

ROW = AgentSpec(
    name="nearest",
    entry="ntm_baselines.nearest:nearest",
    summary="the nearest neighbour among the drawings of one_shot, by their pixels",
    learns=False,
)
