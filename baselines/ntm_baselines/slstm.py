"""The sLSTM: an LSTM with exponential input gates, a normaliser, and recurrent weights within heads.

Source: Beck et al., *xLSTM: Extended Long Short-Term Memory* (NeurIPS 2024, arXiv 2405.04517), section 2.2.

Shape letters: B batch, T time steps, W width, H heads, D = W / H width of a head, K width of the convolution.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_baselines.convolution import convolve, initial_kernels

UNSET = -1e4
"""The first stabiliser, so far below all gates that the first input alone sets it."""


class SLSTMState(NamedTuple):
    """State of a layer."""

    hidden: Tensor  # h, (B, H, D)
    cell: Tensor  # c, (B, H, D)
    normaliser: Tensor  # n, (B, H, D)
    stabiliser: Tensor  # m, (B, H, D)
    recent: Tensor  # last inputs of the convolution, (B, K - 1, W)


class SLSTMBlock(nn.Module):
    """An sLSTM and a gated feed-forward network, each with a norm before it and a bypass around it.

    From its normalised input x and its last output h, a head computes (without biases here; ``*`` and ``/``
    are by element)::

        x_c = silu(convolution(x))
        i~ = W_i x_c + R_i h,  f~ = W_f x_c + R_f h,  z = tanh(W_z x + R_z h),  o = sigmoid(W_o x + R_o h)
        m' = max(log sigmoid(f~) + m, i~)
        i = exp(i~ - m'),  f = exp(log sigmoid(f~) + m - m')
        c' = f * c + i * z,  n' = f * n + i,  h' = o * c' / n'

    The stabiliser m cancels out of h'. The block outputs h', normalised by head.

    Args:
        width: Width W.
        heads: Number of heads H.
        conv_width: Width K of the convolution.
    """

    def __init__(self, width: int, heads: int, conv_width: int) -> None:
        super().__init__()
        self._shape, head = (heads, width // heads), width // heads
        self._recent = conv_width - 1
        self.norm = nn.LayerNorm(width, bias=False)
        self.convolution = initial_kernels(width, conv_width)
        self.input_forget = nn.Linear(width, 2 * width)
        self.candidate_output = nn.Linear(width, 2 * width)
        self.recurrent = nn.Parameter(torch.empty(heads, head, 4 * head).uniform_(-(head**-0.5), head**-0.5))
        with torch.no_grad():  # cells keep their content, each for another time
            self.input_forget.bias[width:] = torch.linspace(3, 6, head).repeat(heads)
        self.head_norm = nn.GroupNorm(heads, width)
        hidden = 4 * width // 3
        self.feedforward_norm = nn.LayerNorm(width, bias=False)
        self.enter = nn.Linear(width, 2 * hidden, bias=False)
        self.leave = nn.Linear(hidden, width, bias=False)

    def initial_state(self, batch_size: int) -> SLSTMState:
        """Return zeros, but for the stabilisers."""
        zeros, shape = self.recurrent.new_zeros, (batch_size, *self._shape)
        return SLSTMState(
            hidden=zeros(shape),
            cell=zeros(shape),
            normaliser=zeros(shape),
            stabiliser=self.recurrent.new_full(shape, UNSET),
            recent=zeros(batch_size, self._recent, self._shape[0] * self._shape[1]),
        )

    def forward(self, vectors: Tensor, state: SLSTMState) -> tuple[Tensor, SLSTMState]:
        """Return the vectors above this block ``[B, T, W]`` and its state."""
        B, T, W = vectors.shape
        normed = self.norm(vectors)
        convolved, recent = convolve(normed, state.recent, self.convolution)
        both = (self.input_forget(functional.silu(convolved)), self.candidate_output(normed))
        shares = torch.cat(both, 2).view(B, T, 4, *self._shape)
        # With heads before the batch, as products of all heads at once need them: (T, H, B, 4 D).
        steps = shares.permute(1, 3, 0, 2, 4).flatten(3)
        hidden, cell, normaliser, stabiliser = (part.transpose(0, 1) for part in state[:4])
        outputs = []
        for share in steps.unbind(0):
            gates = torch.baddbmm(share, hidden, self.recurrent)
            enter, forget, candidate, leave = gates.chunk(4, 2)
            kept = functional.logsigmoid(forget) + stabiliser
            stabiliser = torch.maximum(kept, enter)
            enter, forget = torch.exp(enter - stabiliser), torch.exp(kept - stabiliser)
            cell = torch.addcmul(forget * cell, enter, torch.tanh(candidate))
            normaliser = torch.addcmul(enter, forget, normaliser)
            hidden = torch.sigmoid(leave) * cell / normaliser
            outputs.append(hidden)
        after = SLSTMState(
            hidden=hidden.transpose(0, 1),
            cell=cell.transpose(0, 1),
            normaliser=normaliser.transpose(0, 1),
            stabiliser=stabiliser.transpose(0, 1),
            recent=recent,
        )
        heads = torch.stack(outputs).permute(2, 0, 1, 3).reshape(B * T, W)
        vectors = vectors + self.head_norm(heads).view(B, T, W)
        gate, value = self.enter(self.feedforward_norm(vectors)).chunk(2, 2)
        return vectors + self.leave(functional.gelu(gate) * value), after
