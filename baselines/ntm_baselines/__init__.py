"""Baselines: what memory machines are compared with.

A baseline is one file here, and one with its row and recipes in `recipes/`.
"""

from ntm_agents.registry import rows_in
from ntm_baselines import recipes
from ntm_baselines.lstm import LSTM, LSTMConfig
from ntm_baselines.reference import Constant, Uniform, oracle, reference

__all__ = ["LSTM", "TABLE", "Constant", "LSTMConfig", "Uniform", "oracle", "reference"]

TABLE = rows_in(recipes)
