"""Memory machines as PyTorch models, and the trainer for them and for any other sequence model.

A machine is one file here and one row of the table in `registry.py`.
"""

from ntm_agents.acting import ModelAgent
from ntm_agents.ntm import NTM, NTMConfig, NTMState
from ntm_agents.protocol import Model, State, config_class
from ntm_agents.registry import TABLE, AgentSpec, Recipe
from ntm_agents.training import Run, TrainConfig, Trainer, load_run

__all__ = [
    "NTM",
    "TABLE",
    "AgentSpec",
    "Model",
    "ModelAgent",
    "NTMConfig",
    "NTMState",
    "Recipe",
    "Run",
    "State",
    "TrainConfig",
    "Trainer",
    "config_class",
    "load_run",
]
