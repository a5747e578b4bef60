"""Mamba: a diagonal state-space model whose step sizes, inputs and outputs depend on what it sees.

Source: Gu and Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces* (arXiv 2312.00752).

Shape letters: B batch, T time steps, I input channels, L logits, W width, E channels of a state-space model,
N numbers of the state of a channel, K width of the convolution, R rank of the step sizes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, check_options
from ntm_baselines.convolution import convolve, initial_kernels

EPSILON = 1e-5
"""Addend of the mean squares by whose roots vectors are divided."""


@dataclass(frozen=True, kw_only=True)
class MambaConfig:
    """Options of a Mamba."""

    hidden_size: Annotated[Positive, Choices((32, 48, 56, 64))] = 64
    """Width W of the vectors between layers."""
    num_layers: Annotated[Few, Choices((1, 2, 3))] = 2
    """Number of layers."""
    state_size: Annotated[Positive, Choices((8, 16))] = 16
    """Numbers N of the state of a channel."""
    expansion: Positive = 2
    """Channels E of a layer, as a multiple of the width."""
    conv_width: Positive = 4
    """Number of steps K, the present one included, that the convolution sees."""

    def __post_init__(self) -> None:
        check_options(self)


class MambaState(NamedTuple):
    """States of the state-space models, and the last inputs of the convolutions."""

    states: tuple[Tensor, ...]  # of each layer, (B, E, N)
    recent: tuple[Tensor, ...]  # of each layer, (B, K - 1, E)


class Scan(torch.autograd.Function):
    """The recurrence ``h_t = a_t h_(t-1) + b_t`` of T steps, one number at a time.

    A loop without a graph: on a CPU an associative scan, which makes more operations, would not pay.
    """

    @staticmethod
    def forward(ctx: Any, decay: Tensor, added: Tensor, start: Tensor) -> Tensor:
        """Return all h ``[T, ...]``, given all a and b ``[T, ...]`` and the first h ``[...]``."""
        states, last = torch.empty_like(added), start
        for factor, addend, state in zip(decay, added, states, strict=True):
            last = torch.addcmul(addend, factor, last, out=state)
        ctx.save_for_backward(decay, states, start)
        return states

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of a, b and the first h: those of all h come from the last one back."""
        decay, states, start = ctx.saved_tensors
        of_states = gradient.clone()
        for t in range(len(gradient) - 2, -1, -1):
            of_states[t].addcmul_(decay[t + 1], of_states[t + 1])
        before = torch.cat((start[None], states[:-1]))
        return of_states * before, of_states, of_states[0] * decay[0]


class Layer(nn.Module):
    """A gated selective state-space model, with a norm before it and a bypass around it.

    Args:
        config: Options.
    """

    def __init__(self, config: MambaConfig) -> None:
        super().__init__()
        width, size = config.hidden_size, config.state_size
        channels, rank = config.expansion * width, math.ceil(width / 16)
        self._parts = (rank, size, size)
        self.norm = nn.RMSNorm(width, EPSILON)
        self.inputs_gates = nn.Linear(width, 2 * channels, bias=False)
        self.convolution = initial_kernels(channels, config.conv_width)
        self.convolution_bias = nn.Parameter(torch.zeros(channels))
        self.selection = nn.Linear(channels, sum(self._parts), bias=False)
        self.step_size = nn.Linear(rank, channels)
        self.log_rates = nn.Parameter(torch.arange(1.0, size + 1).log().repeat(channels, 1))
        self.bypass = nn.Parameter(torch.ones(channels))
        self.read = nn.Linear(channels, width, bias=False)
        steps = torch.exp(torch.empty(channels).uniform_(math.log(0.001), math.log(0.1)))
        with torch.no_grad():  # softplus of it is between 0.001 and 0.1
            self.step_size.bias.copy_(steps.expm1().log())

    def forward(self, vectors: Tensor, state: Tensor, recent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the vectors above this layer ``[B, T, W]``, its state, and the end of what it convolved."""
        inputs, gates = self.inputs_gates(self.norm(vectors)).chunk(2, 2)
        convolved, recent = convolve(inputs, recent, self.convolution)
        inputs = functional.silu(convolved + self.convolution_bias)  # (B, T, E)
        ranked, entering, leaving = self.selection(inputs).split(self._parts, 2)
        steps = functional.softplus(self.step_size(ranked)).transpose(0, 1)  # (T, B, E)
        decay = torch.exp(steps[..., None] * -self.log_rates.exp())  # (T, B, E, N)
        added = (steps * inputs.transpose(0, 1))[..., None] * entering.transpose(0, 1)[:, :, None]
        states: Tensor = Scan.apply(decay, added, state)  # type: ignore[no-untyped-call]
        outputs = (states @ leaving.transpose(0, 1)[..., None]).squeeze(3).transpose(0, 1)
        outputs = (outputs + self.bypass * inputs) * functional.silu(gates)
        return vectors + self.read(outputs), states[-1], recent


class Mamba(nn.Module):
    """A stack of selective state-space models between a linear embedding and a linear read-out.

    From its normalised input x, a layer computes E channels u and gates z. Each channel has a state h of N
    numbers, which decay at rates a of their own (``*`` multiplies elements)::

        u = silu(convolution(W x)),  z = W' x
        d = softplus(U V u + d_0),  b = B u,  c = C u
        h' = exp(-d a) * h + d b u
        o = c . h' + D u

    The layer outputs a linear map of ``o * silu(z)``. The convolution is causal and acts on each channel
    alone. As in the paper, the factors of h are real and between 0 and 1, with which no layer can count
    modulo two (Grazzi et al., *Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues*, ICLR
    2025).

    Differences from the paper: weights start as is usual in PyTorch, but for rates and step sizes, which
    start as in its code.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `MambaConfig`.
    """

    Config: ClassVar[type[MambaConfig]] = MambaConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = MambaConfig(**config)
        self.embedding = nn.Linear(input_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_layers))
        norm = nn.RMSNorm(c.hidden_size, EPSILON)
        self.output = nn.Sequential(norm, nn.Linear(c.hidden_size, output_size))

    def initial_state(self, batch_size: int, capacity: int) -> MambaState:
        """Return zeros for each layer; the memory does not grow with the capacity."""
        c, zeros = self.config, self.embedding.weight.new_zeros
        channels = c.expansion * c.hidden_size
        return MambaState(
            tuple(zeros(batch_size, channels, c.state_size) for _ in self.layers),
            tuple(zeros(batch_size, c.conv_width - 1, channels) for _ in self.layers),
        )

    def forward(self, inputs: Tensor, state: MambaState) -> tuple[Tensor, MambaState]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them."""
        vectors, states, recents = self.embedding(inputs).transpose(0, 1), [], []
        for layer, own, recent in zip(self.layers, *state, strict=True):
            vectors, own, recent = layer(vectors, own, recent)
            states.append(own)
            recents.append(recent)
        return self.output(vectors).transpose(0, 1), MambaState(tuple(states), tuple(recents))
