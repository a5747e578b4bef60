"""Training: learners and their options, runs, the folder that they write, and the supervised trainer."""

from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.checks import NonFiniteError
from ntm_agents.training.config import LearnerConfig, TrainConfig
from ntm_agents.training.curriculum import Curriculum
from ntm_agents.training.learners import Learner
from ntm_agents.training.run import Run, load_run
from ntm_agents.training.trainer import Trainer
from ntm_agents.training.writer import Counters, RunWriter

__all__ = [
    "CheckpointError",
    "Counters",
    "Curriculum",
    "Learner",
    "LearnerConfig",
    "NonFiniteError",
    "Run",
    "RunWriter",
    "TrainConfig",
    "Trainer",
    "load_run",
]
