"""The best possible agent of a task."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec

ROW = AgentSpec(
    name="oracle",
    entry="ntm_baselines:oracle",
    summary="the best possible agent",
    learns=False,
)
