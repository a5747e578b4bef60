"""Training from targets: a run's configuration, the loop, and the folder that it writes."""

from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.config import TrainConfig
from ntm_agents.training.run import Run, load_run
from ntm_agents.training.trainer import NonFiniteError, Trainer

__all__ = ["CheckpointError", "NonFiniteError", "Run", "TrainConfig", "Trainer", "load_run"]
