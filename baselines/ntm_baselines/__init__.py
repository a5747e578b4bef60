"""Baselines that memory machines are compared with.

A baseline is one file here, and one with its row and recipes in `recipes/`; a learner is one in `learners/`.
"""

import sys
from typing import Any

from ntm_agents.registry import public_name
from ntm_agents.rows import rows_in
from ntm_agents.spec import AgentSpec
from ntm_baselines import recipes
from ntm_baselines.lstm import LSTM, LSTMConfig
from ntm_baselines.reference import Constant, Uniform, oracle, reference

__all__ = ["LSTM", "TABLE", "Constant", "LSTMConfig", "Uniform", "oracle", "reference"]

TABLE: tuple[AgentSpec, ...] = rows_in(recipes)
"""The baselines of this package."""


def __getattr__(name: str) -> Any:
    """Return a class of any file of this package."""
    return public_name(sys.modules[__name__], name)
