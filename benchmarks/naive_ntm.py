"""The NTM as one writes it at first, one step after another: the yardstick of `train_throughput.py`.

It has the mathematics of `ntm_agents.NTM`, and PyTorch's obvious operation for each of the paper's equations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


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
        self.units, self.heads, self.slots, self.width = units, heads, slots, width
        seen = input_size + heads * width
        self.controller = nn.LSTMCell(seen, units) if controller == "lstm" else nn.Linear(seen, units)
        self.addressing = nn.Linear(units, 2 * heads * (width + 6))
        self.change = nn.Linear(units, heads * 2 * width)
        self.output = nn.Linear(units + heads * width, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of inputs ``[T, B, I]``."""
        B = inputs.shape[1]
        memory = torch.full((B, self.slots, self.width), 1e-6)
        weighting = torch.zeros(B, 2 * self.heads, self.slots)
        weighting[:, :, 0] = 1
        reads = torch.zeros(B, self.heads * self.width)
        state = (torch.zeros(B, self.units), torch.zeros(B, self.units))
        logits = []
        for t in range(len(inputs)):
            seen = torch.cat([inputs[t], reads], 1)
            if isinstance(self.controller, nn.LSTMCell):
                state = self.controller(seen, state)
                hidden = state[0]
            else:
                hidden = torch.tanh(self.controller(seen))
            weighting = self.address(self.addressing(hidden), memory, weighting)
            changes = self.change(hidden).view(B, self.heads, 2, self.width)
            for h in range(self.heads):
                erase = torch.sigmoid(changes[:, h, 0])
                memory = memory * (1 - weighting[:, h].unsqueeze(2) * erase.unsqueeze(1))
            for h in range(self.heads):
                memory = memory + weighting[:, h].unsqueeze(2) * changes[:, h, 1].unsqueeze(1)
            reads = (weighting[:, self.heads :] @ memory).flatten(1)
            logits.append(self.output(torch.cat([hidden, reads], 1)))
        return torch.stack(logits)

    def address(self, parameters: Tensor, memory: Tensor, previous: Tensor) -> Tensor:
        """Return the weightings ``[B, H, N]``: equations 5 to 9 of the paper."""
        parameters = parameters.view(len(memory), 2 * self.heads, -1)
        key, strength, gate, shifts, sharpening = parameters.split((self.width, 1, 1, 3, 1), 2)
        norms = key.norm(dim=2, keepdim=True) * memory.norm(dim=2).unsqueeze(1)
        similarity = key @ memory.transpose(1, 2) / (norms + 1e-8)
        content = torch.softmax(functional.softplus(strength) * similarity, 2)
        gate = torch.sigmoid(gate)
        gated = gate * content + (1 - gate) * previous
        shifts = torch.softmax(shifts, 2)
        rolled = [shifts[:, :, j : j + 1] * torch.roll(gated, j - 1, 2) for j in range(3)]
        sharp = (sum(rolled) + 1e-30) ** (1 + functional.softplus(sharpening))
        return sharp / sharp.sum(2, keepdim=True)
