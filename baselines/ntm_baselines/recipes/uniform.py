"""Uniform guesses."""

from __future__ import annotations

from ntm_agents.spec import AgentSpec

ROW = AgentSpec(
    name="uniform",
    entry="ntm_baselines:Uniform",
    summary="uniform guesses; of bits, fair coin flips",
    learns=False,
)
