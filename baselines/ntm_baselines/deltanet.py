"""DeltaNet: linear attention whose matrix of associations is written by the delta rule.

Source: Yang et al., *Parallelizing Linear Transformers with the Delta Rule over Sequence Length* (NeurIPS
2024, arXiv 2406.06484), after Schlag et al., *Linear Transformers Are Secretly Fast Weight Programmers* (ICML
2021). The gated one is that of Yang et al., *Gated Delta Networks: Improving Mamba2 with Delta Rule* (ICLR
2025, arXiv 2412.06464).

Shape letters: B batch, T time steps, I input channels, L logits, W width, H heads, D = W / H width of a head,
K width of the convolution, C steps of a chunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, check_options, expect
from ntm_baselines.convolution import convolve, initial_kernels

CHUNK = 32
"""Number of steps C that are computed together: more steps take more operations, fewer more calls."""
EPSILON = 1e-6
"""Addend of the squares by whose roots vectors are divided."""


@dataclass(frozen=True, kw_only=True)
class DeltaNetConfig:
    """Options of a DeltaNet."""

    hidden_size: Annotated[Positive, Choices((32, 48, 64, 128))] = 128
    """Width W of the vectors between layers."""
    num_layers: Annotated[Few, Choices((1, 2, 3))] = 2
    """Number of layers."""
    heads: Annotated[Positive, Choices((2, 4))] = 4
    """Number of heads H of each layer, with a memory of D times D numbers each, where D = W / H."""
    negative_eigenvalues: bool = False
    """True if step sizes are between 0 and 2, and eigenvalues of transitions between -1 and 1, so that parity
    can be represented (Grazzi et al., *Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues*,
    ICLR 2025); otherwise both are between 0 and 1, as in the paper."""
    gate: Annotated[bool, Choices((False, True))] = False
    """True for a Gated DeltaNet: memories decay at each step, by factors that depend on the inputs, and gates
    multiply what heads read."""
    conv_width: Positive = 4
    """Number of steps K, the present one included, that the convolution of queries, keys and values sees."""

    def __post_init__(self) -> None:
        check_options(self)
        whole = self.hidden_size % self.heads == 0
        expect(whole, "hidden_size", self.hidden_size, f"a multiple of heads = {self.heads}")


class DeltaNetState(NamedTuple):
    """Memories, and the last inputs of the convolutions."""

    memories: tuple[Tensor, ...]  # of each layer, with keys as rows, (B, H, D, D)
    recent: tuple[Tensor, ...]  # of each layer, (B, K - 1, 3 W)


def delta_rule(
    query: Tensor, key: Tensor, value: Tensor, beta: Tensor, log_decay: Tensor, memory: Tensor
) -> tuple[Tensor, Tensor]:
    """Take C steps of the gated delta rule, all at once.

    A step changes the memory S to S', and reads o from it (in the papers S is transposed)::

        S' = alpha (I - beta k k^T) S + beta k v^T
        o = S'^T q

    This is S' = alpha S + k u^T with the correction u = beta (v - alpha S^T k). The corrections of all steps
    solve a triangular system of linear equations, in which only the first S appears (as in the paper's UT
    transform, section 3).

    Args:
        query: Queries q ``[B, H, C, D]``.
        key: Keys k ``[B, H, C, D]``.
        value: Values v ``[B, H, C, V]``.
        beta: Step sizes beta ``[B, H, C]``.
        log_decay: Logarithms of alpha ``[B, H, C]``.
        memory: S before the first step ``[B, H, D, V]``.

    Returns:
        The outputs o ``[B, H, C, V]``, and the memory after the last step.
    """
    total = log_decay.cumsum(2)[..., None]  # from the start, (B, H, C, 1)
    later = torch.ones(key.shape[2], key.shape[2], dtype=torch.bool, device=key.device).triu(1)
    # What remains at step i of what was written at step j, at [i, j].
    decay = (total - total.transpose(2, 3)).masked_fill(later, -torch.inf).exp()
    start, beta = total.exp(), beta[..., None]
    system = beta * decay * (key @ key.transpose(2, 3))
    errors = value - start * (key @ memory)
    corrections = torch.linalg.solve_triangular(system, beta * errors, upper=False, unitriangular=True)
    outputs = start * (query @ memory) + (decay * (query @ key.transpose(2, 3))) @ corrections
    written = (decay[:, :, -1:] * key.transpose(2, 3)) @ corrections
    return outputs, start[:, :, -1:] * memory + written


class Layer(nn.Module):
    """The delta rule and a feed-forward network, each with a norm before it and a bypass around it.

    Args:
        config: Options.
    """

    def __init__(self, config: DeltaNetConfig) -> None:
        super().__init__()
        self.config, width, heads = config, config.hidden_size, config.heads
        self.norm = nn.RMSNorm(width, EPSILON)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.convolution = initial_kernels(3 * width, config.conv_width)
        self.step_size = nn.Linear(width, heads, bias=False)
        if config.gate:
            self.decay = nn.Linear(width, heads)
            self.log_rate = nn.Parameter(torch.empty(heads).uniform_(1, 16).log())
            steps = torch.empty(heads).uniform_(math.log(0.001), math.log(0.1)).exp()
            with torch.no_grad():  # softplus of it is between 0.001 and 0.1, as in Mamba-2
                self.decay.bias.copy_(steps.expm1().log())
            self.output_gate = nn.Linear(width, width, bias=False)
        self.read_norm = nn.RMSNorm(width // heads, EPSILON)
        self.read = nn.Linear(width, width, bias=False)
        self.feedforward = nn.Sequential(
            nn.RMSNorm(width, EPSILON), nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, width)
        )

    def forward(self, vectors: Tensor, memory: Tensor, recent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the vectors above this layer ``[B, T, W]``, its memory, and the end of what it convolved."""
        B, T, _ = vectors.shape
        normed = self.norm(vectors)
        convolved, recent = convolve(self.queries_keys_values(normed), recent, self.convolution)
        by_head = functional.silu(convolved).reshape(B, T, 3, self.config.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = by_head.unbind(0)  # (B, H, T, D)
        beta = torch.sigmoid(self.step_size(normed)).transpose(1, 2)
        if self.config.negative_eigenvalues:
            beta = 2 * beta
        log_decay = torch.zeros_like(beta)
        if self.config.gate:
            log_decay = (-self.log_rate.exp() * functional.softplus(self.decay(normed))).transpose(1, 2)
        query, key, reads = _unit(query), _unit(key), []
        for start in range(0, T, CHUNK):
            at = (slice(None), slice(None), slice(start, start + CHUNK))
            read, memory = delta_rule(query[at], key[at], value[at], beta[at], log_decay[at], memory)
            reads.append(read)
        features = self.read_norm(torch.cat(reads, 2)).transpose(1, 2).flatten(2)
        if self.config.gate:
            features = features * functional.silu(self.output_gate(normed))
        vectors = vectors + self.read(features)
        return vectors + self.feedforward(vectors), memory, recent


class DeltaNet(nn.Module):
    """A stack of layers with the delta rule between a linear embedding and a linear read-out.

    From its normalised input x, a head computes a query q, a key k, a value v and a step size, reads o from
    its memory by `delta_rule`, and outputs a linear map of o, normalised::

        q, k, v = silu(convolution(W x)), of which q and k are then divided by their norms
        beta = sigmoid(w x), or twice that with negative_eigenvalues
        alpha = 1, or exp(-rate softplus(w' x + b)) with gate

    The convolution is causal and acts on each channel alone. With `gate`, the normalised o is multiplied by
    ``silu(W' x)``.

    Differences from the papers: feed-forward networks have a hidden layer of SiLU units, instead of gated
    ones; values are as wide as keys, also with `gate`; weights start as is usual in PyTorch.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `DeltaNetConfig`.
    """

    Config: ClassVar[type[DeltaNetConfig]] = DeltaNetConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = DeltaNetConfig(**config)
        self.embedding = nn.Linear(input_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_layers))
        norm = nn.RMSNorm(c.hidden_size, EPSILON)
        self.output = nn.Sequential(norm, nn.Linear(c.hidden_size, output_size))

    def initial_state(self, batch_size: int, capacity: int) -> DeltaNetState:
        """Return zeros for each layer; the memory does not grow with the capacity."""
        c, zeros = self.config, self.embedding.weight.new_zeros
        width = c.hidden_size // c.heads
        return DeltaNetState(
            tuple(zeros(batch_size, c.heads, width, width) for _ in self.layers),
            tuple(zeros(batch_size, c.conv_width - 1, 3 * c.hidden_size) for _ in self.layers),
        )

    def forward(self, inputs: Tensor, state: DeltaNetState) -> tuple[Tensor, DeltaNetState]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them."""
        vectors, memories, recents = self.embedding(inputs).transpose(0, 1), [], []
        for layer, memory, recent in zip(self.layers, *state, strict=True):
            vectors, memory, recent = layer(vectors, memory, recent)
            memories.append(memory)
            recents.append(recent)
        return self.output(vectors).transpose(0, 1), DeltaNetState(tuple(memories), tuple(recents))


def _unit(vectors: Tensor) -> Tensor:
    """Return vectors ``[..., D]`` divided by their norms."""
    return vectors * torch.rsqrt(vectors.square().sum(-1, keepdim=True) + EPSILON)
