"""Stable-Baselines3's own policies as models, so that they are trained, kept and evaluated like every other.

Weights are those of the policy, critic included; nothing is ever pickled. What is played is the most probable
class of each symbol: the policy's deterministic action.

Shape letters: B batch, T time steps, I input channels, L logits, F frames.
"""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn


class FeedForward(nn.Module):
    """Two layers that see the last few observations, and remember nothing else.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        hidden_size: Units of each layer, in actor and critic.
        frames: Number of observations F that are seen, the present one included.
    """

    def __init__(self, input_size: int, output_size: int, hidden_size: int = 64, frames: int = 1) -> None:
        super().__init__()
        for name, value in (("hidden_size", hidden_size), ("frames", frames)):
            if value < 1:
                raise ValueError(f"{name} is {value}; expected at least 1")
        self.frames = frames
        self.arguments: dict[str, Any] = {"net_arch": [hidden_size, hidden_size]}
        self.policy = ActorCriticPolicy(
            *_spaces(frames * input_size, output_size), lambda _: 0.0, **self.arguments
        )

    def initial_state(self, batch_size: int, capacity: int) -> Tensor:
        """Return the earlier observations ``[B, (F - 1) I]``, which are zeros."""
        seen = self.policy.features_dim // self.frames * (self.frames - 1)
        return torch.zeros(batch_size, seen, device=self.policy.device)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits ``[T, B, L]`` for inputs ``[T, B, I]``, and what is seen of them later."""
        T, B, I = inputs.shape  # noqa: E741
        every = torch.cat([state.view(B, -1, I).transpose(0, 1), inputs])
        windows = every.unfold(0, self.frames, 1).permute(0, 1, 3, 2).reshape(T, B, -1)
        logits = self.policy.action_net(self.policy.mlp_extractor.forward_actor(windows))
        return logits, every[T:].transpose(0, 1).reshape(B, -1)


class Recurrent(nn.Module):
    """sb3-contrib's policy with an LSTM for the actor and one for the critic.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        hidden_size: Units of each LSTM.
    """

    def __init__(self, input_size: int, output_size: int, hidden_size: int = 128) -> None:
        super().__init__()
        if hidden_size < 1:
            raise ValueError(f"hidden_size is {hidden_size}; expected at least 1")
        self.arguments: dict[str, Any] = {"lstm_hidden_size": hidden_size}
        self.policy = RecurrentActorCriticPolicy(
            *_spaces(input_size, output_size), lambda _: 0.0, **self.arguments
        )

    def initial_state(self, batch_size: int, capacity: int) -> tuple[Tensor, Tensor]:
        """Return zeros for what the actor's LSTM carries, ``[B, hidden_size]`` each."""
        zeros = torch.zeros(batch_size, self.policy.lstm_output_dim, device=self.policy.device)
        return zeros, zeros.clone()

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the logits ``[T, B, L]`` for inputs ``[T, B, I]``, and the state after the last step."""
        hidden, cell = state
        found, (hidden, cell) = self.policy.lstm_actor(inputs, (hidden[None], cell[None]))
        logits = self.policy.action_net(self.policy.mlp_extractor.forward_actor(found))
        return logits, (hidden[0], cell[0])


def _spaces(input_size: int, output_size: int) -> tuple[spaces.Box, spaces.MultiBinary]:
    """Return spaces with which a policy has the weights of one for any answers of so many logits."""
    return spaces.Box(-torch.inf, torch.inf, (input_size,)), spaces.MultiBinary(output_size)
