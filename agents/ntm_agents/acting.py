"""A model that acts: steps it through an environment, one observation at a time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ntm_envs.agent import Outputs


class ModelAgent:
    """Acts with the probabilities that a model gives; see :class:`ntm_envs.Agent`.

    Args:
        model: A model of the protocol, in evaluation mode.
    """

    outputs: Outputs = "probabilities"

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Start ``num_envs`` episodes of at most ``capacity`` steps; the seed is not needed."""
        with torch.no_grad():
            self.state = self.model.initial_state(num_envs, capacity)  # type: ignore[operator]

    def act(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability ``[B, O]`` that each bit is 1, after observations ``[B, I]``."""
        with torch.no_grad():
            logits, self.state = self.model(torch.from_numpy(observations).unsqueeze(0), self.state)
            return logits[0].sigmoid().numpy()  # type: ignore[no-any-return]
