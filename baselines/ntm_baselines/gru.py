"""The GRU: a recurrent network whose gates choose between the last state and a candidate.

Source: Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
Translation* (EMNLP 2014, arXiv 1406.1078), section 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

from ntm_agents.options import Choices, Few, Positive, check_options


@dataclass(frozen=True, kw_only=True)
class GRUConfig:
    """Options of a GRU."""

    hidden_size: Annotated[Positive, Choices((64, 128, 256))] = 256
    """Hidden size of each layer."""
    num_layers: Annotated[Few, Choices((1, 2, 3))] = 1
    """Number of layers."""
    orthogonal_init: Annotated[bool, Choices((False, True))] = False
    """True if the initial recurrent weights of each gate are orthogonal, instead of uniform."""

    def __post_init__(self) -> None:
        check_options(self)


class GRU(nn.Module):
    """PyTorch's own GRU and a linear read-out; its state starts at zero.

    From its input x and its last state h, a layer computes a reset gate r, an update gate z, a candidate n
    and its next state (without biases here; ``*`` multiplies elements)::

        r = sigmoid(W_r x + U_r h)
        z = sigmoid(W_z x + U_z h)
        n = tanh(W_n x + r * (U_n h))
        h' = (1 - z) * n + z * h

    Differences from the paper: the reset gate multiplies ``U_n h``, with its bias, instead of h, as in cuDNN;
    layers may be stacked, and have biases.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `GRUConfig`.
    """

    Config: ClassVar[type[GRUConfig]] = GRUConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = GRUConfig(**config)
        self.gru = nn.GRU(input_size, self.config.hidden_size, self.config.num_layers)
        self.output = nn.Linear(self.config.hidden_size, output_size)
        if self.config.orthogonal_init:
            with torch.no_grad():
                for layer in range(self.config.num_layers):
                    for gate in getattr(self.gru, f"weight_hh_l{layer}").chunk(3):
                        nn.init.orthogonal_(gate)

    def initial_state(self, batch_size: int, capacity: int) -> Tensor:
        """Return zeros ``[B, num_layers, hidden_size]``; the memory does not grow with the capacity."""
        return self.output.weight.new_zeros(batch_size, self.config.num_layers, self.config.hidden_size)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them."""
        features, state = self.gru(inputs, state.transpose(0, 1).contiguous())
        return self.output(features), state.transpose(0, 1)
