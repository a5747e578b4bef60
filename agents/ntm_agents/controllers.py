"""The network at the heart of a memory machine, which sees the input and what the heads have read.

A controller is a stack of layers, each of which feeds the next. What depends on the inputs alone is
computed for all time steps at once, by `Controller.project`, before the recurrence begins.

Shape letters: B batch, T time steps, I input channels, V values that all heads read together, C units of a
layer, G pre-activations of a unit.
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
        below: How many values it gets at each step from the layer below; the lowest, from the heads.
        units: Number of units C.
    """

    gates: int
    """How many pre-activations G a unit has."""
    tensors: int
    """How many tensors ``[B, C]`` the layer's state has."""

    def __init__(self, below: int, units: int) -> None:
        super().__init__()
        self.below, self.units = below, units
        self.bias = nn.Parameter(torch.empty(self.gates * units))

    def initialise(self, bound: float) -> None:
        """Draw all parameters uniformly between ``-bound`` and ``bound``."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of the layer's own last output ``[G * C, C]``; None if it does not see that."""
        return None

    @abstractmethod
    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step.

        Args:
            addend: What is added to the pre-activations, ``[G * C]`` or ``[B, G * C]``: the bias, and for
                the lowest layer also what the inputs contribute.
            below: What the layer below says ``[B, below]``.
            state: The state after the last step.

        Returns:
            The output ``[B, C]`` and the state after this step.
        """


class FeedForwardLayer(Layer):
    """``tanh`` of the pre-activation; it remembers nothing."""

    gates, tensors = 1, 0

    def __init__(self, below: int, units: int) -> None:
        super().__init__(below, units)
        self.weight = nn.Parameter(torch.empty(units, below))

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        return torch.tanh(torch.addmm(addend, below, self.weight.t())), state


class LSTMLayer(Layer):
    """Long short-term memory; the biases of the forget gates start around 1: cells keep at first."""

    gates, tensors = 4, 2

    def __init__(self, below: int, units: int) -> None:
        super().__init__(below, units)
        self.weight = nn.Parameter(torch.empty(4 * units, below + units))

    def initialise(self, bound: float) -> None:
        """Draw parameters; see `Layer`."""
        super().initialise(bound)
        with torch.no_grad():
            self.bias[self.units : 2 * self.units] += 1

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of its last output."""
        return self.weight[:, self.below :]

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        hidden, cell = state
        preactivations = torch.addmm(addend, torch.cat((below, hidden), 1), self.weight.t())
        gates, candidate = preactivations.split_with_sizes((3 * self.units, self.units), 1)
        enter, forget, leave = torch.sigmoid(gates).chunk(3, 1)
        cell = torch.addcmul(forget * cell, enter, torch.tanh(candidate))
        hidden = leave * torch.tanh(cell)
        return hidden, (hidden, cell)


class GRULayer(Layer):
    """Gated recurrent unit; the reset gate acts on the recurrent product, as in `torch.nn.GRU`."""

    gates, tensors = 3, 1

    def __init__(self, below: int, units: int) -> None:
        super().__init__(below, units)
        self.weight = nn.Parameter(torch.empty(3 * units, below))
        self.recurrent = nn.Parameter(torch.empty(3 * units, units))
        self.recurrent_bias = nn.Parameter(torch.empty(3 * units))

    @property
    def recurrent_weights(self) -> Tensor | None:
        """Weights of its last output."""
        return self.recurrent

    def forward(self, addend: Tensor, below: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step; see `Layer`."""
        (hidden,) = state
        sizes = (2 * self.units, self.units)
        gates, candidate = torch.addmm(addend, below, self.weight.t()).split_with_sizes(sizes, 1)
        recurrent = functional.linear(hidden, self.recurrent, self.recurrent_bias)
        recurrent_gates, recurrent_candidate = recurrent.split_with_sizes(sizes, 1)
        reset, keep = torch.sigmoid(gates + recurrent_gates).chunk(2, 1)
        candidate = torch.tanh(torch.addcmul(candidate, reset, recurrent_candidate))
        hidden = torch.lerp(candidate, hidden, keep)
        return hidden, (hidden,)


LAYERS: dict[str, type[Layer]] = {"feedforward": FeedForwardLayer, "lstm": LSTMLayer, "gru": GRULayer}


class Controller(nn.Module):
    """A stack of layers of one kind.

    Weights and biases start uniform in ``±1 / sqrt(n)``, where n is the number of values that a unit of the
    layer sees. Biases of zero would leave a layer without a state silent whenever its input is, and Copy is
    then learnt late or never.

    Args:
        kind: ``feedforward``, ``lstm`` or ``gru``.
        input_size: Number of input channels I.
        read_size: Number of values V.
        units: Number of units C of each layer.
        depth: Number of layers.
        noise: Standard deviation of the Gaussian noise that is added to the lowest layer's
            pre-activations in training.
        orthogonal: Whether the weights of a layer's own last output start orthogonal, gate by gate.
    """

    def __init__(
        self,
        kind: str,
        input_size: int,
        read_size: int,
        units: int,
        depth: int,
        noise: float,
        orthogonal: bool,
    ) -> None:
        super().__init__()
        layer = LAYERS[kind]
        self.noise = noise
        self.inputs = nn.Linear(input_size, layer.gates * units, bias=False)
        self.layers = nn.ModuleList(layer(read_size if i == 0 else units, units) for i in range(depth))
        for i, layer_i in enumerate(self._layers):
            seen = layer_i.below + (0 if i else input_size) + (units if layer.tensors else 0)
            layer_i.initialise(seen**-0.5)
            if orthogonal and (own := layer_i.recurrent_weights) is not None:
                with torch.no_grad():
                    for gate in own.split_with_sizes([units] * layer.gates):
                        nn.init.orthogonal_(gate)
            if i == 0:
                nn.init.uniform_(self.inputs.weight, -(seen**-0.5), seen**-0.5)

    @property
    def pre_activations(self) -> int:
        """The number of pre-activations of the lowest layer, G * C."""
        return self.inputs.weight.shape[0]

    def initial_state(self, batch_size: int) -> LayerState:
        """Return zeros: the tensors ``[B, C]`` of all layers' states, from the lowest up."""
        count = sum(layer.tensors for layer in self._layers)
        zeros = self.inputs.weight.new_zeros(batch_size, self._layers[0].units)
        return (zeros,) * count

    def project(self, inputs: Tensor) -> Tensor:
        """Return what inputs ``[T, B, I]`` and bias give to the lowest layer, ``[T, B, G * C]``."""
        rows = inputs.flatten(0, 1)
        # As a product of two matrices; the backward of `linear` takes several times as long for few inputs.
        projected = torch.addmm(self._layers[0].bias, rows, self.inputs.weight.t().contiguous())
        projected = projected.view(*inputs.shape[:2], -1)
        if self.training and self.noise:
            projected = projected + self.noise * torch.randn_like(projected)
        return projected

    def forward(self, projected: Tensor, reads: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """Take one step.

        Args:
            projected: What `project` returned for this step, ``[B, G * C]``.
            reads: What the heads read at the last step, ``[B, V]``.
            state: The state after the last step.

        Returns:
            The highest layer's output ``[B, C]`` and the state after this step.
        """
        output, after = reads, ()
        for i, layer in enumerate(self._layers):
            own = state[len(after) : len(after) + layer.tensors]
            output, own = layer(layer.bias if i else projected, output, own)
            after += own
        return output, after

    @property
    def _layers(self) -> list[Layer]:
        return cast("list[Layer]", list(self.layers))
