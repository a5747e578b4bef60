"""The simple recurrent network, without gates.

Source: Elman, *Finding Structure in Time* (Cognitive Science 14, 1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from ntm_agents.options import Choices, Few, Positive, check_options


@dataclass(frozen=True, kw_only=True)
class RNNConfig:
    """Options of a simple recurrent network."""

    hidden_size: Annotated[Positive, Choices((64, 128, 256))] = 256
    """Hidden size of each layer."""
    num_layers: Annotated[Few, Choices((1, 2, 3))] = 1
    """Number of layers."""
    orthogonal_init: Annotated[bool, Choices((False, True))] = False
    """True if the initial recurrent weights are orthogonal, instead of uniform."""

    def __post_init__(self) -> None:
        check_options(self)


class RNN(nn.Module):
    """PyTorch's own recurrent network and a linear read-out; its state starts at zero.

    From its input x and its last state h, a layer computes its next state (without biases here)::

        h' = tanh(W x + U h)

    Differences from the paper: units are tanh, not logistic, and start at zero, not 0.5; gradients flow
    through all steps, not one; layers may be stacked.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `RNNConfig`.
    """

    Config: ClassVar[type[RNNConfig]] = RNNConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = RNNConfig(**config)
        self.rnn = nn.RNN(input_size, self.config.hidden_size, self.config.num_layers)
        self.output = nn.Linear(self.config.hidden_size, output_size)
        if self.config.orthogonal_init:
            for layer in range(self.config.num_layers):
                nn.init.orthogonal_(getattr(self.rnn, f"weight_hh_l{layer}"))

    def initial_state(self, batch_size: int, capacity: int) -> Tensor:
        """Return zeros ``[B, num_layers, hidden_size]``; the memory does not grow with the capacity."""
        return self.output.weight.new_zeros(batch_size, self.config.num_layers, self.config.hidden_size)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them."""
        features, state = self.rnn(inputs, state.transpose(0, 1).contiguous())
        return self.output(features), state.transpose(0, 1)
