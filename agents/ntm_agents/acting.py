"""A trained model as an agent that plays episodes step by step."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ntm_agents.protocol import Model, State
from ntm_envs.agent import Outputs


class ModelAgent:
    """Plays with a model: says how probable it is that each bit is 1.

    Args:
        model: A module that fulfils :class:`ntm_agents.protocol.Model`. It is moved to the device and put
            into evaluation mode.
        device: Where to compute, such as ``cpu`` or ``cuda``.

    Attributes:
        model: The model.
        state: Its state after the last step, for those who want to see its memory.
    """

    outputs: Outputs = "probabilities"
    state: State

    def __init__(self, model: nn.Module, device: str | torch.device = "cpu") -> None:
        self.model = cast("Model", model.to(device).eval())
        self._device = device

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Forget everything; a model has no randomness for the seed. See :class:`ntm_envs.Agent`."""
        with torch.inference_mode():
            self.state = self.model.initial_state(num_envs, capacity)

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[B, O]`` for observations ``[B, I]``."""
        with torch.inference_mode():
            inputs = torch.tensor(observations, device=self._device).unsqueeze(0)  # one step: T = 1
            logits, self.state = self.model(inputs, self.state)
            return np.asarray(torch.sigmoid(logits[0]).cpu())
