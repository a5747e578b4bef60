"""Models as users would write them, which `check_model` accepts; tests break one thing each."""

import torch
from torch import nn


class Good(nn.Module):
    """A GRU, as a user would write it; the models below break one thing each."""

    def __init__(self, input_size, output_size, hidden_size=4):
        super().__init__()
        self.gru = nn.GRU(input_size, hidden_size)
        self.output = nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, self.gru.hidden_size)

    def forward(self, inputs, state):
        hidden, state = self.gru(inputs, state.unsqueeze(0).contiguous())
        return self.output(hidden), state.squeeze(0)


class GoodLSTM(nn.Module):
    """State in a nested tuple, with the layers of `nn.LSTM` in dimension 1."""

    def __init__(self, input_size, output_size, *, hidden_size: int = 4, layers: int = 3):
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, layers)
        self.output = nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size, capacity):
        zeros = torch.zeros(batch_size, self.lstm.num_layers, self.lstm.hidden_size)
        return (zeros, (zeros,))

    def forward(self, inputs, state):
        hidden, cell = state[0].transpose(0, 1).contiguous(), state[1][0].transpose(0, 1).contiguous()
        output, (hidden, cell) = self.lstm(inputs, (hidden, cell))
        return self.output(output), (hidden.transpose(0, 1), (cell.transpose(0, 1),))


class Stateless(nn.Linear):
    """A model that sees the present alone, and whose state is an empty tuple."""

    def initial_state(self, batch_size, capacity):
        return ()

    def forward(self, inputs, state):
        return super().forward(inputs), state


class WithConstants(Good):
    """Random numbers that are saved, as a buffer."""

    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.register_buffer("mixture", torch.randn(input_size, input_size))

    def forward(self, inputs, state):
        return super().forward(inputs @ self.mixture, state)


class WithExtras(Good):
    """A model with a trace for pictures and a penalty."""

    def with_penalty(self, inputs, state):
        logits, state = self(inputs, state)
        return logits, state.square().mean()

    def trace(self, state):
        return {"read weighting": state[:, None].softmax(2), "memory": state[:, :, None], "state": state}
