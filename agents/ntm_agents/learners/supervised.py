"""Learning from targets, by gradient descent on the cross-entropy."""

from __future__ import annotations

from ntm_agents.training.config import TrainConfig
from ntm_agents.training.learners import Learner

ROW = Learner(
    name="supervised",
    config=TrainConfig,
    trainer="ntm_agents:Trainer",
    track="supervised",
    unit="sequences",
    budget="sequences",
    measure="loss",
)
