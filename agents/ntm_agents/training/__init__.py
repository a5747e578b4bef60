"""Training: a run's configuration, the loop that learns from right answers, and the folder that it writes."""

from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.config import RewardConfig, TrainConfig
from ntm_agents.training.run import Run, load_run
from ntm_agents.training.trainer import NonFiniteError, Trainer

__all__ = ["CheckpointError", "NonFiniteError", "RewardConfig", "Run", "TrainConfig", "Trainer", "load_run"]
