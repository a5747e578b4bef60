"""A good agent, of tasks that have no oracle."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec

ROW = AgentSpec(
    name="reference",
    entry="ntm_baselines:reference",
    summary="a good agent, of tasks that have no oracle",
    learns=False,
)
