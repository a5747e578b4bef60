"""The mLSTM: an LSTM whose cell is a matrix of associations, without recurrent weights.

Source: Beck et al., *xLSTM: Extended Long Short-Term Memory* (NeurIPS 2024, arXiv 2405.04517), section 2.3.

Shape letters: B batch, T time steps, W width, E = 2 W inner width, H heads, D = E / H width of a head, K
width of the convolution, C steps of a chunk.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_baselines.convolution import convolve, initial_kernels

CHUNK = 32
"""Number of steps C that are computed together."""
EXPANSION = 2
"""Inner width of a block, as a multiple of the width."""


class MLSTMState(NamedTuple):
    """State of a layer."""

    cell: Tensor  # C, with keys as rows, (B, H, D, D)
    normaliser: Tensor  # n, (B, H, D)
    stabiliser: Tensor  # m, (B, H)
    recent: Tensor  # last inputs of the convolution, (B, K - 1, E)


def recur(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    enter: Tensor,
    log_forget: Tensor,
    cell: Tensor,
    normaliser: Tensor,
    stabiliser: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Take C steps of an mLSTM, all at once.

    A step is (in the paper C is transposed)::

        m' = max(log f + m, i~)
        C' = exp(log f + m - m') C + exp(i~ - m') k v^T
        n' = exp(log f + m - m') n + exp(i~ - m') k
        h = C'^T q / max(abs(n' . q), exp(-m'))

    Args:
        query: Queries q ``[B, H, C, D]``.
        key: Keys k ``[B, H, C, D]``.
        value: Values v ``[B, H, C, V]``.
        enter: Pre-activations i~ of the input gates ``[B, H, C]``.
        log_forget: Logarithms of the forget gates f ``[B, H, C]``.
        cell: C before the first step ``[B, H, D, V]``.
        normaliser: n before the first step ``[B, H, D]``.
        stabiliser: m before the first step ``[B, H]``.

    Returns:
        The outputs h ``[B, H, C, V]``, and C, n and m after the last step.
    """
    total = log_forget.cumsum(2)
    later = torch.ones(key.shape[2], key.shape[2], dtype=torch.bool, device=key.device).triu(1)
    # Logarithms of what remains at step i of what entered at step j, at [i, j], and of the start.
    log_weights = (total[..., None] - total[:, :, None] + enter[:, :, None]).masked_fill(later, -torch.inf)
    log_start = total + stabiliser[..., None]
    stabilisers = torch.maximum(log_start, log_weights.amax(3))
    weights, start = torch.exp(log_weights - stabilisers[..., None]), torch.exp(log_start - stabilisers)
    scores = weights * (query @ key.transpose(2, 3))
    outputs = start[..., None] * (query @ cell) + scores @ value
    norms = start * (query @ normaliser[..., None]).squeeze(3) + scores.sum(3)
    outputs = outputs / torch.maximum(norms.abs(), torch.exp(-stabilisers))[..., None]
    kept, entered = start[:, :, -1:, None], weights[:, :, -1, :, None] * key
    cell = kept * cell + entered.transpose(2, 3) @ value
    return outputs, cell, kept[..., 0] * normaliser + entered.sum(2), stabilisers[:, :, -1]


class MLSTMBlock(nn.Module):
    """An mLSTM between two projections, with a norm before it and a bypass around it.

    From its normalised input x, the block computes inner vectors u and gates g, and by head::

        u = W x,  g = W' x
        u_c = silu(convolution(u))
        q = W_q u_c,  k = W_k u_c / sqrt(D),  v = W_v u
        i~ = w_i (q, k, v) + b_i,  log f = log sigmoid(w_f (q, k, v) + b_f)

    It outputs a linear map of ``(norm(h) + s * u_c) * silu(g)`` with h by `recur`, normalised by head, and
    learnt factors s.

    Args:
        width: Width W.
        heads: Number of heads H.
        conv_width: Width K of the convolution.
    """

    def __init__(self, width: int, heads: int, conv_width: int) -> None:
        super().__init__()
        inner = EXPANSION * width
        self._heads, self._recent, self._head = heads, conv_width - 1, inner // heads
        self.norm = nn.LayerNorm(width, bias=False)
        self.inputs_gates = nn.Linear(width, 2 * inner, bias=False)
        self.convolution = initial_kernels(inner, conv_width)
        bound = self._head**-0.5
        self.queries_keys_values = nn.Parameter(
            torch.empty(3, heads, self._head, self._head).uniform_(-bound, bound)
        )
        self.input_forget = nn.Linear(3 * inner, 2 * heads)
        with torch.no_grad():  # heads keep their content, each for another time
            self.input_forget.bias[heads:] = torch.linspace(3, 6, heads)
        self.head_norm = nn.GroupNorm(heads, inner)
        self.skip = nn.Parameter(torch.ones(inner))
        self.read = nn.Linear(inner, width, bias=False)

    def initial_state(self, batch_size: int) -> MLSTMState:
        """Return zeros."""
        zeros, heads, head = self.skip.new_zeros, self._heads, self._head
        return MLSTMState(
            zeros(batch_size, heads, head, head),
            zeros(batch_size, heads, head),
            zeros(batch_size, heads),
            zeros(batch_size, self._recent, heads * head),
        )

    def forward(self, vectors: Tensor, state: MLSTMState) -> tuple[Tensor, MLSTMState]:
        """Return the vectors above this block ``[B, T, W]`` and its state."""
        B, T, _ = vectors.shape
        inputs, gates = self.inputs_gates(self.norm(vectors)).chunk(2, 2)
        convolved, recent = convolve(inputs, state.recent, self.convolution)
        convolved = functional.silu(convolved)
        by_head = torch.stack((convolved, convolved, inputs)).view(3, B, T, self._heads, -1).transpose(2, 3)
        query, key, value = by_head @ self.queries_keys_values[:, None]  # (B, H, T, D)
        key = key * self._head**-0.5
        seen = torch.cat((query, key, value), 3).transpose(1, 2).flatten(2)
        enter, forget = self.input_forget(seen).transpose(1, 2).chunk(2, 1)  # (B, H, T)
        log_forget, outputs = functional.logsigmoid(forget), []
        cell, normaliser, stabiliser = state[:3]
        for start in range(0, T, CHUNK):
            at = (slice(None), slice(None), slice(start, start + CHUNK))
            parts = (query[at], key[at], value[at], enter[at], log_forget[at])
            output, cell, normaliser, stabiliser = recur(*parts, cell, normaliser, stabiliser)
            outputs.append(output)
        heads = torch.cat(outputs, 2).transpose(1, 2).reshape(B * T, -1)
        features = (self.head_norm(heads).view(B, T, -1) + self.skip * convolved) * functional.silu(gates)
        return vectors + self.read(features), MLSTMState(cell, normaliser, stabiliser, recent)
