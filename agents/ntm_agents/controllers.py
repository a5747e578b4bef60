"""The network at the heart of a memory machine, which sees the input and what the heads read.

A controller of several layers feeds each into the next. What depends on the inputs alone is computed
for all time steps at once, by `project`, before the recurrence begins.

Shape letters: B batch, T time steps, I input channels, V values read by all heads, C units of a layer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Layer(nn.Module, ABC):
    """One layer: ``gates`` pre-activations a unit, which its state and its inputs add up to."""

    gates: int
    """How many pre-activations a unit has."""
    tensors: int
    """How many tensors ``[B, C]`` the layer's state has; the first is its output."""

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.inputs = nn.Linear(input_size, self.gates * units)

    @abstractmethod
    def forward(self, preactivations: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the layer's output ``[B, C]`` and its next state."""


class FeedForwardLayer(Layer):
    """``tanh`` of the pre-activation; it remembers nothing."""

    gates, tensors = 1, 0

    def forward(self, preactivations: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the layer's output ``[B, C]`` and its next state."""
        return torch.tanh(preactivations), state


class LSTMLayer(Layer):
    """Long short-term memory; the forget gate's bias starts at 1, so that it remembers at first."""

    gates, tensors = 4, 2

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.recurrent = nn.Linear(units, 4 * units, bias=False)
        with torch.no_grad():
            self.inputs.bias[units : 2 * units].fill_(1)

    def forward(self, preactivations: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the layer's output ``[B, C]`` and its next state."""
        hidden, cell = state
        preactivations = torch.addmm(preactivations, hidden, self.recurrent.weight.t())
        gates, candidate = preactivations.split((3 * self.units, self.units), 1)
        enter, forget, leave = torch.sigmoid(gates).chunk(3, 1)
        cell = torch.addcmul(forget * cell, enter, torch.tanh(candidate))
        hidden = leave * torch.tanh(cell)
        return hidden, (hidden, cell)


class GRULayer(Layer):
    """Gated recurrent unit, with the reset gate applied after the recurrent product."""

    gates, tensors = 3, 1

    def __init__(self, input_size: int, units: int) -> None:
        super().__init__(input_size, units)
        self.recurrent = nn.Linear(units, 3 * units)

    def forward(self, preactivations: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the layer's output ``[B, C]`` and its next state."""
        (hidden,) = state
        sizes = (2 * self.units, self.units)
        gates, candidate = preactivations.split(sizes, 1)
        recurrent_gates, recurrent_candidate = self.recurrent(hidden).split(sizes, 1)
        reset, update = torch.sigmoid(gates + recurrent_gates).chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(candidate, reset, recurrent_candidate))
        hidden = torch.lerp(candidate, hidden, update)
        return hidden, (hidden,)


LAYERS: dict[str, type[Layer]] = {
    "feedforward": FeedForwardLayer,
    "lstm": LSTMLayer,
    "gru": GRULayer,
}


class Controller(nn.Module):
    """A stack of layers of one kind.

    Args:
        kind: ``feedforward``, ``lstm`` or ``gru``.
        input_size: Number of input channels I.
        read_size: Number of values V that all heads read together.
        units: Number of units C of each layer.
        depth: Number of layers.
        noise: Standard deviation of the Gaussian noise that is added to the first layer's
            pre-activations in training.
    """

    def __init__(
        self, kind: str, input_size: int, read_size: int, units: int, depth: int, noise: float
    ) -> None:
        super().__init__()
        sizes = [input_size + read_size] + [units] * (depth - 1)
        self.layers = nn.ModuleList(LAYERS[kind](size, units) for size in sizes)
        self.input_size = input_size
        self.noise = noise

    def initial_state(self, batch_size: int) -> tuple[Tensor, ...]:
        """Return zeros, one tensor ``[B, C]`` for each of the layers' states."""
        weight = next(self.parameters())
        count = sum(layer.tensors for layer in self._layers)
        return tuple(weight.new_zeros(batch_size, self._layers[0].units) for _ in range(count))

    def project(self, inputs: Tensor) -> Tensor:
        """Return what inputs ``[T, B, I]`` alone add to the first layer's pre-activations."""
        linear = self._layers[0].inputs
        projected = nn.functional.linear(inputs, linear.weight[:, : self.input_size], linear.bias)
        if self.training and self.noise:
            projected = projected + self.noise * torch.randn_like(projected)
        return projected

    def forward(
        self, projected: Tensor, reads: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Take one step.

        Args:
            projected: What `project` returned for this step.
            reads: What the heads read at the last step, ``[B, V]``.
            state: The state after the last step.

        Returns:
            The last layer's output ``[B, C]`` and the next state.
        """
        after: tuple[Tensor, ...] = ()
        weight = self._layers[0].inputs.weight[:, self.input_size :]
        output = torch.addmm(projected, reads, weight.t())
        for i, layer in enumerate(self._layers):
            if i:
                output = layer.inputs(output)
            output, layer_state = layer(output, state[len(after) : len(after) + layer.tensors])
            after += layer_state
        return output, after

    @property
    def _layers(self) -> list[Layer]:
        return list(self.layers)  # type: ignore[arg-type]
