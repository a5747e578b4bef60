"""Baselines: what memory machines are compared with.

A baseline is one file here, and one with its row and recipes in `recipes/`.
"""

import sys
from importlib import import_module
from typing import Any

from ntm_agents.registry import public_name, rows_in
from ntm_baselines import recipes
from ntm_baselines.lstm import LSTM, LSTMConfig
from ntm_baselines.reference import Constant, Uniform, oracle, reference

__all__ = ["LSTM", "TABLE", "Constant", "LSTMConfig", "Uniform", "oracle", "reference"]

TABLE = rows_in(recipes)

POLICIES = ("FeedForward", "Recurrent")
"""Models that need Stable-Baselines3, which is imported when one of them is asked for."""


def __getattr__(name: str) -> Any:
    """Return a class of any file of this package, or a policy of Stable-Baselines3."""
    if name in POLICIES:
        return getattr(import_module("ntm_baselines.sb3.policies"), name)
    return public_name(sys.modules[__name__], name)
