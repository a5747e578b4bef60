"""Memory machines as PyTorch models, and the trainer for them and for any other sequence model.

A machine is one file in `machines/`, and one with its row and recipes in `recipes/`.
"""

from typing import Any

from ntm_agents import machines
from ntm_agents.acting import ModelAgent
from ntm_agents.machines.extended_ntm import ExtendedNTM, ExtendedNTMConfig
from ntm_agents.machines.jump_ntm import JumpNTM, JumpNTMConfig
from ntm_agents.machines.ntm import NTM, NTMConfig
from ntm_agents.protocol import Model, State, config_class
from ntm_agents.registry import TABLE, public_name
from ntm_agents.spec import AgentSpec, Recipe
from ntm_agents.training import Run, TrainConfig, Trainer, load_run

__all__ = [
    "NTM",
    "TABLE",
    "AgentSpec",
    "ExtendedNTM",
    "ExtendedNTMConfig",
    "JumpNTM",
    "JumpNTMConfig",
    "Model",
    "ModelAgent",
    "NTMConfig",
    "Recipe",
    "Run",
    "State",
    "TrainConfig",
    "Trainer",
    "config_class",
    "load_run",
]


def __getattr__(name: str) -> Any:
    """Return a class of any file in `machines/`."""
    return public_name(machines, name)
