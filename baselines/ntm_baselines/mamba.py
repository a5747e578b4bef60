"""Mamba: a diagonal state-space model whose step sizes, inputs and outputs depend on what it sees.

Source: Gu and Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces* (arXiv 2312.00752).

Shape letters: B batch, T time steps, I input channels, L logits, W width, E channels of a state-space model,
N numbers of the state of a channel, K width of the convolution, R rank of the step sizes, C steps of a chunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, check_options
from ntm_baselines.convolution import convolve, initial_kernels

CHUNK = 4
"""Number of steps C whose states are kept at the same time: few enough for the cache."""
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

    states: tuple[Tensor, ...]  # of each layer, (B, N, E)
    recent: tuple[Tensor, ...]  # of each layer, (B, K - 1, E)


class SelectiveScan(torch.autograd.Function):
    """The recurrence ``h' = exp(-d a) * h + u b`` of T steps, and what ``o = h' . c`` reads at each of them.

    Only the states before each chunk of steps are kept, and the backward pass computes the others once more,
    as in the paper (section 3.3.2). So chunks stay in the cache. On a CPU an associative scan, which makes
    more operations, would not pay.
    """

    @staticmethod
    def forward(
        ctx: Any,
        steps: Tensor,
        rates: Tensor,
        inputs: Tensor,
        entering: Tensor,
        leaving: Tensor,
        start: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Take T steps.

        Args:
            ctx: Context of the call, in which the arguments are kept.
            steps: Step sizes d ``[T, B, E]``.
            rates: Rates a ``[N, E]``.
            inputs: Inputs u ``[T, B, E]``.
            entering: Vectors b ``[T, B, N]``.
            leaving: Vectors c ``[T, B, N]``.
            start: First h ``[B, N, E]``.

        Returns:
            The outputs o ``[T, B, E]`` and the last h.
        """
        state, starts, outputs = start, [], []
        for d, u, b, c in _chunks(steps, inputs, entering, leaving):
            starts.append(state)
            states = _recur(d, rates, u, b, state)[1]
            outputs.append((c[:, :, None] @ states).squeeze(2))
            state = states[-1].clone()  # a view would keep all of them
        ctx.save_for_backward(steps, rates, inputs, entering, leaving, *starts)
        return torch.cat(outputs), state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_outputs: Tensor, of_state: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of the arguments of `forward`: those of all h come from the last one back."""
        steps, rates, inputs, entering, leaving, *starts = ctx.saved_tensors
        of_rates, found = torch.zeros_like(rates), []
        chunks = list(_chunks(steps, inputs, entering, leaving, of_outputs))
        for (d, u, b, c, of_o), start in zip(reversed(chunks), reversed(starts), strict=True):
            decay, states = _recur(d, rates, u, b, start)
            of_c = (states * of_o[:, :, None]).sum(3)  # several times as fast as a product
            of_states = c[..., None] * of_o[:, :, None]
            of_states[-1] += of_state
            for t in range(len(d) - 2, -1, -1):
                of_states[t].addcmul_(decay[t + 1], of_states[t + 1])
            of_state = decay[0] * of_states[0]
            exponents = decay.mul_(of_states)  # gradients of the exponents -d a, in place
            exponents[0] *= start
            exponents[1:] *= states[:-1]
            of_d = -(exponents * rates).sum(2)
            of_rates -= (exponents * d[:, :, None]).sum((0, 1))
            of_u, of_b = (b[:, :, None] @ of_states).squeeze(2), (of_states * u[:, :, None]).sum(3)
            found.append((of_d, of_u, of_b, of_c))
        of_steps, of_inputs, of_entering, of_leaving = map(torch.cat, zip(*reversed(found), strict=True))
        return of_steps, of_rates, of_inputs, of_entering, of_leaving, of_state


def _chunks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield chunks of some steps of tensors ``[T, ...]``."""
    return zip(*(torch.split(tensor, CHUNK) for tensor in tensors), strict=True)


def _recur(d: Tensor, rates: Tensor, u: Tensor, b: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Return the factors of h and all h of a chunk, ``[C, B, N, E]`` each."""
    decay = (d[:, :, None] * -rates).exp_()
    states = u[:, :, None] * b[..., None]
    for factor, added in zip(decay, states, strict=True):
        state = added.addcmul_(factor, state)
    return decay, states


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
        rates = self.log_rates.exp().t().contiguous()
        entering, leaving = entering.transpose(0, 1), leaving.transpose(0, 1)  # (T, B, N)
        outputs, state = SelectiveScan.apply(  # type: ignore[no-untyped-call]
            steps, rates, steps * inputs.transpose(0, 1), entering, leaving, state
        )
        outputs = (outputs.transpose(0, 1) + self.bypass * inputs) * functional.silu(gates)
        return vectors + self.read(outputs), state, recent


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
            tuple(zeros(batch_size, c.state_size, channels) for _ in self.layers),
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
