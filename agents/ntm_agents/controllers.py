"""Controllers of memory machines: networks that see the inputs and the read vectors of the last step.

A controller is a stack of layers, each of which feeds the next. The shares of the inputs are
computed for all time steps at once, by `Controller.project`, before the recurrence begins.

Shape letters: B batch, T time steps, I input channels, V values of all read vectors, C hidden size, G
pre-activations of a hidden unit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

LayerState = tuple[Tensor, ...]


class Layer(nn.Module, ABC):
    """One layer of a controller.

    Args:
        below: Number of values from the layer below; of the lowest layer, from the read vectors.
        hidden_size: Number of hidden units C.
    """

    gates: int
    """Number of pre-activations G of a hidden unit."""
    tensors: int
    """Number of tensors ``[B, C]`` of the layer's state."""
    weight: nn.Parameter
    """Weights of the layer below and, of an RNN or LSTM, of the last output behind them."""

    def __init__(self, below: int, hidden_size: int) -> None:
        super().__init__()
        self.below, self.hidden_size = below, hidden_size
        self.bias = nn.Parameter(torch.empty(self.gates * hidden_size))

    def initialise(self, bound: float) -> None:
        """Draw all parameters uniformly between ``-bound`` and ``bound``."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of the layer's own last output ``[G * C, C]``; None if it does not see it."""
        return None

    @abstractmethod
    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step.

        Args:
            addend: Addend of the pre-activations, ``[G * C]`` or ``[B, G * C]``: the bias and, for the
                lowest layer, the contribution of the inputs.
            below: Output of the layer below ``[B, below]``.
            state: State after the last step.

        Returns:
            The output ``[B, C]`` and the state after this step.
        """


class FeedForwardLayer(Layer):
    """``tanh`` of the pre-activations, without a state."""

    gates, tensors = 1, 0

    def __init__(self, below: int, hidden_size: int) -> None:
        super().__init__(below, hidden_size)
        self.weight = nn.Parameter(torch.empty(hidden_size, below))

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        return torch.tanh(torch.addmm(addend, below, self.weight.t())), state


class RNNLayer(Layer):
    """``tanh`` of the pre-activations, which see the layer's own last output."""

    gates, tensors = 1, 1

    def __init__(self, below: int, hidden_size: int) -> None:
        super().__init__(below, hidden_size)
        self.weight = nn.Parameter(torch.empty(hidden_size, below + hidden_size))

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of the last output; see `Layer`."""
        return self.weight[:, self.below :]

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        hidden = torch.tanh(torch.addmm(addend, torch.cat((below, state[0]), 1), self.weight.t()))
        return hidden, (hidden,)


class LSTMLayer(Layer):
    """Long short-term memory, whose forget gates have initial biases around 1, so that cells are kept."""

    gates, tensors = 4, 2

    def __init__(self, below: int, hidden_size: int) -> None:
        super().__init__(below, hidden_size)
        self.weight = nn.Parameter(torch.empty(4 * hidden_size, below + hidden_size))

    def initialise(self, bound: float) -> None:
        """Draw parameters; see `Layer`."""
        super().initialise(bound)
        with torch.no_grad():
            self.bias[self.hidden_size : 2 * self.hidden_size] += 1

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of the last output; see `Layer`."""
        return self.weight[:, self.below :]

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        hidden, cell = state
        preactivations = torch.addmm(addend, torch.cat((below, hidden), 1), self.weight.t())
        gates, candidate = preactivations.split_with_sizes((3 * self.hidden_size, self.hidden_size), 1)
        enter, forget, leave = torch.sigmoid(gates).chunk(3, 1)
        cell = torch.addcmul(forget * cell, enter, torch.tanh(candidate))
        hidden = leave * torch.tanh(cell)
        return hidden, (hidden, cell)


class GRULayer(Layer):
    """Gated recurrent unit; the reset gate acts on the recurrent product, as in `torch.nn.GRU`."""

    gates, tensors = 3, 1

    def __init__(self, below: int, hidden_size: int) -> None:
        super().__init__(below, hidden_size)
        self.weight = nn.Parameter(torch.empty(3 * hidden_size, below))
        self.recurrent = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.recurrent_bias = nn.Parameter(torch.empty(3 * hidden_size))

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of the last output; see `Layer`."""
        return self.recurrent

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        (hidden,) = state
        sizes = (2 * self.hidden_size, self.hidden_size)
        gates, candidate = torch.addmm(addend, below, self.weight.t()).split_with_sizes(sizes, 1)
        recurrent = functional.linear(hidden, self.recurrent, self.recurrent_bias)
        recurrent_gates, recurrent_candidate = recurrent.split_with_sizes(sizes, 1)
        reset, keep = torch.sigmoid(gates + recurrent_gates).chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(candidate, reset, recurrent_candidate))
        hidden = torch.lerp(candidate, hidden, keep)
        return hidden, (hidden,)


LAYERS: dict[str, type[Layer]] = {
    "feedforward": FeedForwardLayer,
    "rnn": RNNLayer,
    "lstm": LSTMLayer,
    "gru": GRULayer,
}


class Controller(nn.Module):
    """A stack of layers of one kind.

    Initial weights and biases are uniform in ``±1 / sqrt(n)``, where n is the number of values that a hidden
    unit of the layer sees. With biases of zero a layer without a state would output nothing wherever its
    inputs are zero, and Copy would be learnt late or never.

    Args:
        kind: ``feedforward``, ``rnn``, ``lstm`` or ``gru``.
        input_size: Number of input channels I.
        read_size: Number of values V of the read vectors; 0 for a controller that does not see them.
        hidden_size: Hidden size C of each layer.
        num_layers: Number of layers.
        noise: Standard deviation of Gaussian noise on the lowest layer's pre-activations. Used in training
            only; evaluation always uses 0.
        orthogonal_init: Whether the initial weights of a layer's own last output are orthogonal, by gate.

    Attributes:
        tensors: Number of tensors ``[B, C]`` of its state.
    """

    def __init__(
        self,
        kind: str,
        input_size: int,
        read_size: int,
        hidden_size: int,
        num_layers: int = 1,
        noise: float = 0.0,
        orthogonal_init: bool = True,
    ) -> None:
        super().__init__()
        layer = LAYERS[kind]
        self.read_size, self.noise = read_size, noise
        self.tensors = num_layers * layer.tensors
        self.inputs = nn.Linear(input_size, layer.gates * hidden_size, bias=False)
        self.layers = nn.ModuleList(
            layer(hidden_size if i else read_size, hidden_size) for i in range(num_layers)
        )
        for i, layer_i in enumerate(self._layers):
            seen = layer_i.below + (0 if i else input_size) + (hidden_size if layer.tensors else 0)
            layer_i.initialise(seen**-0.5)
            if orthogonal_init and (own := layer_i.recurrent_weights) is not None:
                with torch.no_grad():
                    for gate in own.split_with_sizes([hidden_size] * layer.gates):
                        nn.init.orthogonal_(gate)
            if i == 0:
                nn.init.uniform_(self.inputs.weight, -(seen**-0.5), seen**-0.5)

    @property
    def lowest(self) -> Layer:
        """The lowest layer, which sees inputs and read vectors."""
        return cast("Layer", self.layers[0])

    @property
    def pre_activations(self) -> int:
        """Number of pre-activations of the lowest layer, G * C."""
        return self.inputs.weight.shape[0]

    def initial_state(self, batch_size: int) -> LayerState:
        """Return zeros for the states of all layers, from the lowest up, as tensors ``[B, C]``."""
        like, hidden_size = self.inputs.weight, self.lowest.hidden_size
        return tuple(like.new_zeros(batch_size, hidden_size) for _ in range(self.tensors))

    def project(self, inputs: Tensor) -> Tensor:
        """Return the lowest layer's addends ``[T, B, G * C]``: shares of inputs ``[T, B, I]`` and bias."""
        rows = inputs.flatten(0, 1)
        # As a product of two matrices; the backward of `linear` takes several times as long for few inputs.
        projected = torch.addmm(self.lowest.bias, rows, self.inputs.weight.t().contiguous())
        projected = projected.view(*inputs.shape[:2], -1)
        if self.training and self.noise:
            projected = projected + self.noise * torch.randn_like(projected)
        return projected

    def forward(self, projected: Tensor, reads: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step.

        Args:
            projected: What `project` returned for this step, ``[B, G * C]``.
            reads: Read vectors of the last step ``[B, V]``, which are ignored if `read_size` is 0.
            state: State after the last step.

        Returns:
            The highest layer's output ``[B, C]`` and the state after this step.
        """
        output, after = reads[:, : self.read_size], ()
        for i, layer in enumerate(self._layers):
            own = state[len(after) : len(after) + layer.tensors]
            output, own = layer(layer.bias if i else projected, output, own)
            after += own
        return output, after

    @property
    def _layers(self) -> list[Layer]:
        return cast("list[Layer]", list(self.layers))
