"""Training: learners and their options, runs, the folder that they write, and the supervised trainer."""

from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.checks import NonFiniteError
from ntm_agents.training.config import LearnerConfig, TrainConfig
from ntm_agents.training.learners import Learner
from ntm_agents.training.run import Run, load_run
from ntm_agents.training.trainer import Trainer

__all__ = [
    "CheckpointError",
    "Learner",
    "LearnerConfig",
    "NonFiniteError",
    "Run",
    "TrainConfig",
    "Trainer",
    "load_run",
]
