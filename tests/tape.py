"""A model with a memory of `capacity` slots, which writes each step into the next slot and takes no more."""

import torch
from torch import nn


class Tape(nn.Module):
    """It outputs a function of the mean of all slots that are written so far."""

    reuses_state = True

    def __init__(self, input_size: int, output_size: int, *, hidden_size: int = 6) -> None:
        super().__init__()
        self.write = nn.Linear(input_size, hidden_size)
        self.output = nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size, capacity):
        tape = self.output.weight.new_zeros(batch_size, capacity, self.write.out_features)
        return tape, torch.zeros(batch_size, dtype=torch.int64, device=tape.device)

    def forward(self, inputs, state):
        tape, position = state
        if (position + len(inputs) > tape.shape[1]).any():
            raise IndexError(f"{len(inputs)} steps from {position.tolist()} on {tape.shape[1]} slots")
        rows, logits = torch.arange(len(position)), []
        for vectors in torch.tanh(self.write(inputs)):
            put = tape.index_put if torch.is_grad_enabled() else tape.index_put_
            tape, position = put((rows, position), vectors), position + 1
            logits.append(self.output(tape.sum(1) / position[:, None]))
        return torch.stack(logits), (tape, position)
