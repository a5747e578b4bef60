"""Options that all learners from rewards have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ntm_agents.options import Between
from ntm_agents.training.config import LearnerConfig


@dataclass(frozen=True, kw_only=True)
class RewardConfig(LearnerConfig):
    """Options of Stable-Baselines3's on-policy algorithms.

    The agent gets each step's own reward, from -1 to 1, and not its share of the episode's.
    """

    total_timesteps: int = 800_000
    """Budget: number of steps of environments."""
    num_envs: int = 64
    """Number of environments that are stepped together."""
    n_steps: int = 128
    """Steps of each environment between updates."""
    learning_rate: Annotated[float, Between(1e-4, 5e-3, log=True)] = 1e-3
    """Learning rate at the start."""
    decay_start: float = 0.5
    """Progress at which the learning rate begins to fall to 0."""
    gamma: float = 0.0
    """Discount of later rewards. Where actions do not affect later steps, 0 has the least noise."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation; it has no effect with a gamma of 0."""
    ent_coef: Annotated[float, Between(1e-3, 0.1, log=True)] = 0.05
    """Weight of the policy's entropy, which falls with the learning rate. It preserves exploration: a
    bit without an effect on rewards drifts to one value, and once it never varies, nothing can be learnt
    about it."""
    vf_coef: float = 0.5
    """Weight of the critic's loss."""
    max_grad_norm: Annotated[float, Between(0.05, 5, log=True)] = 0.5
    """Largest norm of the gradient, which is scaled down to it."""
    validate_every: int = 50_000
    """Steps between validations, at the largest training size; the weights of the best return are kept."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_counts("total_timesteps", "num_envs", "n_steps")
        self._check_rate("learning_rate")
        self._check_positive("max_grad_norm")
        self._check_shares("gamma", "gae_lambda", "decay_start")
        self._check_not_negative("ent_coef", "vf_coef")

    def rate(self, progress: float) -> float:
        """Return the learning rate of an update that begins at a progress from 0 to below 1."""
        return self.learning_rate * min(1.0, (1 - progress) / max(1 - self.decay_start, 1e-9))
