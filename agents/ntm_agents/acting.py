"""A trained model as an agent that plays episodes, step by step or as whole sequences."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ntm_agents.protocol import Model, State, tensors
from ntm_agents.readout import readout
from ntm_envs.answers import Answers, Mode


class ModelAgent:
    """An :class:`ntm_envs.Agent` that outputs the probabilities of symbols, as a model predicts them.

    Args:
        model: A module that keeps to :class:`ntm_agents.protocol.Model`. It is moved to the device and put
            into evaluation mode.
        answers: Type of the task's answers.
        device: Device to compute on, such as ``cpu`` or ``cuda``.

    Attributes:
        model: The model.
        state: State of the model after the last step.
    """

    outputs: Mode = "probabilities"
    state: State

    def __init__(self, model: nn.Module, answers: Answers, device: str | torch.device = "cpu") -> None:
        self.model = cast("Model", model.to(device).eval())
        self._readout, self._device = readout(answers), device

    def begin(self, num_envs: int, capacity: int, seed: int) -> None:
        """Reset the state for new episodes; the seed is not used. See :class:`ntm_envs.Agent`."""
        with torch.inference_mode():
            self.state = self.model.initial_state(num_envs, capacity)

    def bytes_per_episode(self, capacity: int) -> int:
        """Return the size of the state of one episode, in bytes."""
        with torch.inference_mode():
            state = self.model.initial_state(1, capacity)
        return sum(tensor.numel() * tensor.element_size() for _, tensor in tensors(state))

    def act(self, observations: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[B, L]`` for observations ``[B, I]``."""
        actions: NDArray[Any] = self.act_on_sequences(observations[None])[0]
        return actions

    def act_on_sequences(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities ``[T, B, L]`` for the observations of T steps ``[T, B, I]``."""
        with torch.inference_mode():
            logits, self.state = self.model(torch.tensor(inputs, device=self._device), self.state)
            return np.asarray(self._readout.probabilities(logits).cpu())
