"""The LSTM, the usual baseline of memory machines.

Source: Hochreiter and Schmidhuber, *Long Short-Term Memory* (Neural Computation 9, 1997).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

import torch
from torch import Tensor, nn

from ntm_agents.options import Choices, Few, Positive, check_options

LSTMState: TypeAlias = tuple[Tensor, Tensor]


@dataclass(frozen=True, kw_only=True)
class LSTMConfig:
    """Options of an LSTM."""

    hidden_size: Annotated[Positive, Choices((64, 128, 256))] = 256
    """Hidden size of each layer."""
    num_layers: Annotated[Few, Choices((1, 2, 3))] = 1
    """Number of layers."""
    forget_bias: Annotated[float, Choices((0.0, 1.0, 3.0))] = 0.0
    """Initial bias of the forget gates, added to PyTorch's; with 1 cells remember for longer (Gers et al.,
    *Learning to Forget*, 2000; Jozefowicz et al. 2015)."""
    orthogonal_init: Annotated[bool, Choices((False, True))] = False
    """True if the initial recurrent weights of each gate are orthogonal, instead of uniform."""

    def __post_init__(self) -> None:
        check_options(self)


class LSTM(nn.Module):
    """PyTorch's own LSTM and a linear read-out; its state starts at zero.

    The documentation of `torch.nn.LSTM` has the equations.

    Differences from the paper, which are usual today: cells have forget gates (Gers et al., *Learning to
    Forget*, 2000), and gradients flow through all gates and all steps.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `LSTMConfig`.
    """

    Config: ClassVar[type[LSTMConfig]] = LSTMConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = LSTMConfig(**config)
        self.lstm = nn.LSTM(input_size, self.config.hidden_size, self.config.num_layers)
        self.output = nn.Linear(self.config.hidden_size, output_size)
        with torch.no_grad():
            for layer in range(self.config.num_layers):
                _, forget, _, _ = getattr(self.lstm, f"bias_ih_l{layer}").chunk(4)
                forget += self.config.forget_bias
                if self.config.orthogonal_init:
                    for gate in getattr(self.lstm, f"weight_hh_l{layer}").chunk(4):
                        nn.init.orthogonal_(gate)

    def initial_state(self, batch_size: int, capacity: int) -> LSTMState:
        """Return zeros ``[B, num_layers, hidden_size]`` twice; the memory does not grow with the capacity."""
        zeros = self.output.weight.new_zeros(batch_size, self.config.num_layers, self.config.hidden_size)
        return zeros, zeros.clone()

    def forward(self, inputs: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them."""
        hidden, cell = (tensor.transpose(0, 1).contiguous() for tensor in state)
        features, (hidden, cell) = self.lstm(inputs, (hidden, cell))
        return self.output(features), (hidden.transpose(0, 1), cell.transpose(0, 1))
