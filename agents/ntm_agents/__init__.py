"""Memory machines as PyTorch models, and the trainer for them and for any other sequence model.

A machine is one file here, and one with its row and recipes in `recipes/`.
"""

from ntm_agents.acting import ModelAgent
from ntm_agents.ntm import NTM, NTMConfig, NTMState
from ntm_agents.protocol import Model, State, config_class
from ntm_agents.registry import TABLE
from ntm_agents.spec import AgentSpec, Recipe
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
