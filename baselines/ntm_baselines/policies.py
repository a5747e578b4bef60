"""The actors of Stable-Baselines3's own policies as models, so that they are kept and evaluated like others.

The policies themselves, critics included, are built and trained by Stable-Baselines3 (:mod:`.sb3`), which is
not needed to play. A tensor has its name in the policy, behind ``policy.``. The most probable
class of each symbol is the policy's deterministic action.

Shape letters: B batch, T time steps, I input channels, L logits, F frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

import torch
from torch import Tensor, nn

from ntm_agents.options import Choices

HIDDEN_SIZE = 64
"""Stable-Baselines3's own size of the two layers behind an LSTM."""


class PolicyModel(nn.Module):
    """An actor, and the arguments with which Stable-Baselines3 builds its policy."""

    frames = 1
    policy: nn.ModuleDict
    policy_kwargs: dict[str, Any]

    def take(self, policy: Mapping[str, Tensor]) -> None:
        """Take the weights of the actor from the state of a policy, without those of its critic."""
        own = self.policy.state_dict()
        self.policy.load_state_dict({name: tensor for name, tensor in policy.items() if name in own})

    def _actor(self, features: Tensor) -> Tensor:
        """Return the logits for the input of the two hidden layers."""
        layers = cast("nn.ModuleDict", self.policy["mlp_extractor"])
        logits: Tensor = self.policy["action_net"](layers["policy_net"](features))
        return logits


class FeedForward(PolicyModel):
    """Two hidden layers over the last few observations, without any other memory.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        hidden_size: Units of each layer, in actor and critic.
        frames: Number of observations F, the present one included.

    Raises:
        ValueError: If there is no unit, or no observation.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden_size: Annotated[int, Choices((64, 128, 256))] = 64,
        frames: Annotated[int, Choices((1, 4, 16))] = 1,
    ) -> None:
        super().__init__()
        for name, value in (("hidden_size", hidden_size), ("frames", frames)):
            if value < 1:
                raise ValueError(f"{name} is {value}; expected at least 1")
        self.frames = frames
        self.policy_kwargs = {"net_arch": [hidden_size, hidden_size]}
        self._earlier = (frames - 1) * input_size
        self.policy = nn.ModuleDict(_layers(frames * input_size, hidden_size, output_size))

    def initial_state(self, batch_size: int, capacity: int) -> Tensor:
        """Return the earlier observations ``[B, (F - 1) I]``, which are zeros."""
        return next(self.parameters()).new_zeros(batch_size, self._earlier)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits ``[T, B, L]`` for inputs ``[T, B, I]``, and the last F - 1 of them."""
        T, B, I = inputs.shape  # noqa: E741
        every = torch.cat([state.view(B, self.frames - 1, I).transpose(0, 1), inputs])
        windows = every.unfold(0, self.frames, 1).permute(0, 1, 3, 2).reshape(T, B, -1)
        return self._actor(windows), every[T:].transpose(0, 1).reshape(B, -1)


class Recurrent(PolicyModel):
    """The LSTM of the actor in sb3-contrib's recurrent policy, and two hidden layers behind it.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        hidden_size: Units of the LSTM; the critic has one of the same size.

    Raises:
        ValueError: If there is no unit.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden_size: Annotated[int, Choices((64, 128, 256))] = 128,
    ) -> None:
        super().__init__()
        if hidden_size < 1:
            raise ValueError(f"hidden_size is {hidden_size}; expected at least 1")
        self.policy_kwargs = {"lstm_hidden_size": hidden_size}
        self.hidden_size = hidden_size
        lstm = nn.LSTM(input_size, hidden_size)
        self.policy = nn.ModuleDict({"lstm_actor": lstm, **_layers(hidden_size, HIDDEN_SIZE, output_size)})

    def initial_state(self, batch_size: int, capacity: int) -> tuple[Tensor, Tensor]:
        """Return the first hidden and cell state, zeros ``[B, hidden_size]`` each."""
        zeros = next(self.parameters()).new_zeros(batch_size, self.hidden_size)
        return zeros, zeros.clone()

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the logits ``[T, B, L]`` for inputs ``[T, B, I]``, and the state after the last step."""
        hidden, cell = state
        features, (hidden, cell) = self.policy["lstm_actor"](inputs, (hidden[None], cell[None]))
        return self._actor(features), (hidden[0], cell[0])


def _layers(input_size: int, hidden_size: int, output_size: int) -> dict[str, nn.Module]:
    """Return two hidden layers and the output layer, under Stable-Baselines3's names."""
    hidden = nn.Sequential(
        nn.Linear(input_size, hidden_size), nn.Tanh(), nn.Linear(hidden_size, hidden_size), nn.Tanh()
    )
    return {
        "mlp_extractor": nn.ModuleDict({"policy_net": hidden}),
        "action_net": nn.Linear(hidden_size, output_size),
    }
