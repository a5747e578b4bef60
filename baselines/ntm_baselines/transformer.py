"""The causal Transformer, whose cache of keys and values is a state.

Source: Vaswani et al., *Attention Is All You Need* (NeurIPS 2017, arXiv 1706.03762).

Shape letters: B batch, T time steps, I input channels, L logits, W width, H heads, D = W / H width of a head,
N slots of the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, check_options, expect


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Options of a Transformer.

    The default sizes are those of Deletang et al., *Neural Networks and the Chomsky Hierarchy* (ICLR 2023).
    """

    hidden_size: Annotated[Positive, Choices((32, 64, 128))] = 64
    """Width W of the vectors between layers, an even number a head."""
    num_layers: Annotated[Few, Choices((2, 4, 5))] = 5
    """Number of layers."""
    heads: Annotated[Positive, Choices((2, 4, 8))] = 8
    """Number of attention heads H of each layer."""
    position: Annotated[
        Literal["none", "sinusoidal", "rope", "alibi", "randomised"],
        Choices(("none", "sinusoidal", "rope", "alibi", "randomised")),
    ] = "sinusoidal"
    """Encoding of positions: `sinusoidal`, as in the paper; `none`, as the causal mask alone tells positions
    apart (Haviv et al. 2022); `rope`, rotated keys and queries (Su et al., *RoFormer*, 2021); `alibi`, biases
    linear in the distance (Press et al., *Train Short, Test Long*, 2022); `randomised`, sinusoidal ones of
    positions drawn from a larger range (Ruoss et al., *Randomized Positional Encodings*, 2023)."""
    position_range: Positive = 4096
    """Number of positions that `randomised` draws from, several times the largest number of steps."""

    def __post_init__(self) -> None:
        check_options(self)
        even = self.hidden_size % (2 * self.heads) == 0
        expect(even, "hidden_size", self.hidden_size, f"a multiple of 2 * heads = {2 * self.heads}")


class TransformerState(NamedTuple):
    """Keys and values of all steps that were taken."""

    caches: tuple[Tensor, ...]  # keys and values of each layer, (B, N, H, 2 D)
    positions: Tensor  # of all N steps, (B, N), integers
    step: Tensor  # number of steps taken, (B,), integers


class Steps(NamedTuple):
    """The T steps that a call takes, as all layers need them."""

    slots: Tensor  # their slots of the cache, (B, T)
    filled: int  # number of slots filled after them, in the row that has most
    mask: Tensor  # slots that are seen, or biases of the scores, (B or 1, H or 1, T, filled)
    angles: Tensor | None  # of rotations of queries and keys, (B, T, 1, D / 2)


class Layer(nn.Module):
    """Attention and a feed-forward network, each with layer normalisation before it and a bypass around it.

    Args:
        hidden_size: Width W.
        heads: Number of attention heads H.
    """

    def __init__(self, hidden_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(hidden_size)
        self.queries_keys_values = nn.Linear(hidden_size, 3 * hidden_size)
        self.attended = nn.Linear(hidden_size, hidden_size)
        self.feedforward = nn.Sequential(
            nn.LayerNorm(hidden_size),
            nn.Linear(hidden_size, 4 * hidden_size),
            nn.GELU(),
            nn.Linear(4 * hidden_size, hidden_size),
        )

    def forward(self, vectors: Tensor, cache: Tensor, steps: Steps) -> tuple[Tensor, Tensor]:
        """Return the vectors above this layer ``[B, T, W]``, and its cache with the new keys and values."""
        B, T, _ = vectors.shape
        query_key_value = self.queries_keys_values(self.norm(vectors)).view(B, T, self.heads, -1)
        query, key, value = query_key_value.chunk(3, 3)  # (B, T, H, D)
        if steps.angles is not None:
            query, key = _rotated(query, steps.angles), _rotated(key, steps.angles)
        rows = torch.arange(B, device=vectors.device)[:, None]
        put = cache.index_put if torch.is_grad_enabled() else cache.index_put_
        cache = put((rows, steps.slots), torch.cat((key, value), 3))
        key, value = cache[:, : steps.filled].chunk(2, 3)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=steps.mask)
        vectors = vectors + self.attended(read.transpose(1, 2).flatten(2))
        return vectors + self.feedforward(vectors), cache


class Transformer(nn.Module):
    """A stack of layers of causal self-attention between a linear embedding and a linear read-out.

    With queries Q, keys K and values V, which are linear in the normalised vectors, a head computes, over the
    steps up to the present one::

        softmax(Q K^T / sqrt(D)) V

    Differences from the paper:

    - It is a decoder alone, without dropout. Layer normalisation comes before attention and feed-forward
      networks (Xiong et al., *On Layer Normalization in the Transformer Architecture*, 2020) and before the
      read-out; units are GELUs.
    - The first half of a sinusoidal encoding's channels are sines, the second half cosines. Embeddings are
      not scaled.
    - Encodings other than the sinusoidal one are those of other papers (`TransformerConfig`).

    The paper of `randomised` draws as many positions as a sequence has steps. Here only a bound of these, the
    capacity, is known at the start: training draws as many positions as the capacity, and a sequence takes
    the first ones. Evaluation, in which nothing is random, spaces positions evenly over half of the range, as
    the sequences of training, each longer than half of its capacity, reach the other half as well.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `TransformerConfig`.
    """

    Config: ClassVar[type[TransformerConfig]] = TransformerConfig
    reuses_state: ClassVar[bool] = True

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = TransformerConfig(**config)
        self.embedding = nn.Linear(input_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c.hidden_size, c.heads) for _ in range(c.num_layers))
        self.output = nn.Sequential(nn.LayerNorm(c.hidden_size), nn.Linear(c.hidden_size, output_size))

    def initial_state(self, batch_size: int, capacity: int) -> TransformerState:
        """Return empty caches with a slot for each of `capacity` steps, and the positions of these steps."""
        weight, heads = self.embedding.weight, self.config.heads
        shape = (batch_size, capacity, heads, 2 * self.config.hidden_size // heads)
        caches = tuple(weight.new_zeros(shape) for _ in self.layers)
        positions = torch.arange(capacity, device=weight.device).repeat(batch_size, 1)
        if self.config.position == "randomised":
            most = self.config.position_range
            if self.training:  # drawn and sorted, with repetitions, and then moved apart
                drawn = torch.randint(max(most - capacity, 0) + 1, positions.shape, device=weight.device)
                positions += drawn.sort(1).values
            else:
                positions *= max(most // (2 * capacity), 1)
        return TransformerState(caches, positions, positions.new_zeros(batch_size))

    def forward(self, inputs: Tensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        """Return the logits ``[T, B, L]`` of inputs ``[T, B, I]`` and the state after them.

        While gradients are disabled, it writes into the caches of the state that it is given.
        """
        slots = state.step[:, None] + torch.arange(len(inputs), device=inputs.device)
        positions = state.positions.gather(1, slots)
        vectors = self.embedding(inputs).transpose(0, 1)
        angles = None
        if self.config.position in ("sinusoidal", "randomised"):
            angle = _angles(positions, vectors.shape[2], vectors)
            vectors = vectors + torch.cat((angle.sin(), angle.cos()), 2)
        elif self.config.position == "rope":
            angles = _angles(positions, vectors.shape[2] // self.config.heads, vectors)[:, :, None]
        filled = int(slots.max()) + 1
        steps, caches = Steps(slots, filled, self._mask(slots, filled, vectors), angles), []
        for layer, cache in zip(self.layers, state.caches, strict=True):
            vectors, cache = layer(vectors, cache, steps)
            caches.append(cache)
        logits = self.output(vectors).transpose(0, 1)
        return logits, TransformerState(tuple(caches), state.positions, state.step + len(inputs))

    def _mask(self, slots: Tensor, filled: int, like: Tensor) -> Tensor:
        """Return which slots each step sees, or the biases of their scores; see `Steps`."""
        if (slots[:, 0] == slots[0, 0]).all():
            slots = slots[:1]  # one mask for all rows, which takes less time and memory
        distance = (slots[:, :, None] - torch.arange(filled, device=slots.device))[:, None]
        if self.config.position != "alibi":
            return distance >= 0
        heads = self.config.heads
        slopes = like.new_tensor([2 ** (-8 * (head + 1) / heads) for head in range(heads)])[:, None, None]
        return (-slopes * distance).masked_fill(distance < 0, -torch.inf)


def _angles(positions: Tensor, width: int, like: Tensor) -> Tensor:
    """Return the angles of positions ``[B, T]``, of wavelengths from 2 pi up, ``[B, T, width / 2]``."""
    exponents = torch.arange(0, width, 2, device=like.device).to(like) / width
    return positions[..., None] * 10_000**-exponents


def _rotated(vectors: Tensor, angles: Tensor) -> Tensor:
    """Return vectors ``[B, T, H, D]``, each rotated in D / 2 planes by angles ``[B, T, 1, D / 2]``."""
    first, second = vectors.chunk(2, 3)
    sine, cosine = angles.sin(), angles.cos()
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), 3)
