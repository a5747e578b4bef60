"""The best constant output of a task."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec

ROW = AgentSpec(
    name="constant",
    entry="ntm_baselines:Constant",
    summary="the best constant output",
    learns=False,
)
