"""The NTM as most people first write it, one step after another: the yardstick for `train_throughput.py`.

It has the mathematics of `ntm_agents` and none of its care: no product is taken out of the loop, each head
is computed by itself, and nothing is fused.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Head(nn.Module):
    """One head: what the controller says, and where that leads."""

    def __init__(self, units: int, width: int, shifts: int, writes: bool) -> None:
        super().__init__()
        self.key = nn.Linear(units, width)
        self.strength, self.gate, self.sharpening = (nn.Linear(units, 1) for _ in range(3))
        self.shifts = nn.Linear(units, shifts)
        if writes:
            self.erase, self.add = nn.Linear(units, width), nn.Linear(units, width)

    def forward(self, hidden: Tensor, memory: Tensor, previous: Tensor) -> Tensor:
        """Return the weighting ``[B, N]``: equations 5 to 9 of the paper."""
        key = self.key(hidden).unsqueeze(1)
        similarity = functional.cosine_similarity(memory, key, dim=2)
        content = torch.softmax(functional.softplus(self.strength(hidden)) * similarity, dim=1)
        gate = torch.sigmoid(self.gate(hidden))
        gated = gate * content + (1 - gate) * previous
        shifts = torch.softmax(self.shifts(hidden), dim=1)
        half = shifts.shape[1] // 2
        shifted = torch.zeros_like(gated)
        for j in range(shifts.shape[1]):
            shifted = shifted + shifts[:, j : j + 1] * torch.roll(gated, j - half, dims=1)
        sharp = (shifted + 1e-16) ** (1 + functional.softplus(self.sharpening(hidden)))
        return sharp / sharp.sum(1, keepdim=True)


class NaiveNTM(nn.Module):
    """A controller, heads and a memory.

    Args:
        input_size: Number of input channels.
        output_size: Number of output channels.
        controller: ``lstm`` or ``feedforward``.
        units: Units of the controller.
        heads: Number of heads that read, and as many that write.
        slots: Slots of the memory.
        width: Width of a slot.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        controller: str = "lstm",
        units: int = 100,
        heads: int = 1,
        slots: int = 128,
        width: int = 20,
    ) -> None:
        super().__init__()
        self.slots, self.width, self.units = slots, width, units
        seen = input_size + heads * width
        self.cell = nn.LSTMCell(seen, units) if controller == "lstm" else nn.Linear(seen, units)
        self.writers = nn.ModuleList(Head(units, width, 3, True) for _ in range(heads))
        self.readers = nn.ModuleList(Head(units, width, 3, False) for _ in range(heads))
        self.output = nn.Linear(units + heads * width, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of inputs ``[T, B, I]``."""
        B = inputs.shape[1]
        memory = torch.full((B, self.slots, self.width), 1e-6)
        start = torch.zeros(B, self.slots)
        start[:, 0] = 1
        writing, reading = [start] * len(self.writers), [start] * len(self.readers)
        reads = [torch.zeros(B, self.width) for _ in self.readers]
        state = (torch.zeros(B, self.units), torch.zeros(B, self.units))
        logits = []
        for t in range(len(inputs)):
            seen = torch.cat([inputs[t], *reads], 1)
            if isinstance(self.cell, nn.LSTMCell):
                state = self.cell(seen, state)
                hidden = state[0]
            else:
                hidden = torch.tanh(self.cell(seen))
            pairs = zip(self.writers, writing, strict=True)
            writing = [head(hidden, memory, previous) for head, previous in pairs]
            pairs = zip(self.readers, reading, strict=True)
            reading = [head(hidden, memory, previous) for head, previous in pairs]
            for head, weighting in zip(self.writers, writing, strict=True):
                erase = torch.sigmoid(head.erase(hidden))
                memory = memory * (1 - weighting.unsqueeze(2) * erase.unsqueeze(1))
            for head, weighting in zip(self.writers, writing, strict=True):
                memory = memory + weighting.unsqueeze(2) * head.add(hidden).unsqueeze(1)
            reads = [(weighting.unsqueeze(1) @ memory).squeeze(1) for weighting in reading]
            logits.append(self.output(torch.cat([hidden, *reads], 1)))
        return torch.stack(logits)
