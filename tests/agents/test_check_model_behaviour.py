"""`check_model` reports each mistake in what a model computes: from what, and with which gradients."""

import pytest
import torch
from good_models import Good, WithExtras
from torch import nn

from ntm_agents.testing import ModelError, check_model


class OneStepFails(Good):
    def forward(self, inputs, state):
        if len(inputs) == 1:
            raise IndexError("list index out of range")
        return super().forward(inputs, state)


class OneRowFails(Good):
    def forward(self, inputs, state):
        return super().forward(inputs.squeeze(1), state)


class ChangesItsState(Good):
    def forward(self, inputs, state):
        logits, after = super().forward(inputs, state)
        return logits, state.copy_(after)


class ChangesItsInputs(Good):
    def forward(self, inputs, state):
        return super().forward(inputs.mul_(2), state)


class Dropout(Good):
    def forward(self, inputs, state):
        return super().forward(nn.functional.dropout(inputs, 0.5), state)


class RemembersElsewhere(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.hidden = None

    def forward(self, inputs, state):
        if self.hidden is not None and self.hidden.shape == state.shape:
            state = self.hidden
        logits, self.hidden = super().forward(inputs, state)
        return logits, self.hidden


class ForgetsItsState(Good):
    def forward(self, inputs, state):
        logits, _ = super().forward(inputs, torch.zeros_like(state))
        return logits, state


class SeesTheFuture(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.gru = nn.GRU(input_size, 2, bidirectional=True)

    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 2, 2)

    def forward(self, inputs, state):
        hidden, after = self.gru(inputs, state.transpose(0, 1).contiguous())
        return self.output(hidden), after.transpose(0, 1)


class CentresTheBatch(Good):
    def forward(self, inputs, state):
        return super().forward(inputs - inputs.mean(1, keepdim=True), state)


class ScalesByTheBatch(Good):
    def forward(self, inputs, state):
        return super().forward(inputs * inputs.shape[1], state)


class Detached(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits.detach(), state


class PartlyDetached(Good):
    def forward(self, inputs, state):
        hidden, state = self.gru(inputs, state.unsqueeze(0).contiguous())
        return self.output(hidden.detach()), state.squeeze(0)


class Unused(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.spare = nn.Linear(1, 1)


class InfiniteGradient(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits + (self.output.weight[0, 0] * 0).sqrt(), state


class RandomConstants(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.mixture = torch.randn(input_size, input_size)

    def forward(self, inputs, state):
        return super().forward(inputs @ self.mixture.to(inputs.dtype), state)


class PenaltyOfEachRow(WithExtras):
    def with_penalty(self, inputs, state):
        logits, state = self(inputs, state)
        return logits, state.square().mean(1)


class OtherLogitsWithPenalty(WithExtras):
    def with_penalty(self, inputs, state):
        logits, penalty = super().with_penalty(inputs, state)
        return logits + 1, penalty


class PenaltyIsANumber(WithExtras):
    def with_penalty(self, inputs, state):
        logits, penalty = super().with_penalty(inputs, state)
        return logits, penalty.item()


class WeightingOfOneHead(WithExtras):
    def trace(self, state):
        return {"read weighting": state.softmax(1)}


class MemoryWithoutBatch(WithExtras):
    def trace(self, state):
        return {"memory": state[0][None, :, None]}


class TraceIsATensor(WithExtras):
    def trace(self, state):
        return state


class AnotherShapeEachTime(Good):
    count = 0

    def __init__(self, input_size, output_size):
        AnotherShapeEachTime.count += 1
        super().__init__(input_size, output_size, hidden_size=4 + self.count)


class NotFinite(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits / inputs.sum(2, keepdim=True).mul(0), state


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (NotFinite, "logits of an untrained model are not finite"),
        (OneStepFails, "failed for T = 1 steps and a batch of 3: IndexError: list index out of range"),
        (OneRowFails, "failed for T = 6 steps and a batch of 1"),
        (ChangesItsState, "forward changed state in place"),
        (ChangesItsInputs, "forward changed inputs in place"),
        (Dropout, "different logits the second time, .* only while self.training is true"),
        (RemembersElsewhere, "different logits the second time, .* not in attributes of self"),
        (ForgetsItsState, r"step by step \(T = 1\) the logits of step 1 differ by"),
        (SeesTheFuture, r"step by step \(T = 1\) the logits of step 0 differ .* may not see later inputs"),
        (CentresTheBatch, "with other inputs in row 0 the logits of row 2 change"),
        (ScalesByTheBatch, "with a batch of its own the logits of row 2 change"),
        (PenaltyOfEachRow, r"with_penalty returned the penalty tensor\(\[.* expected one finite number"),
        (OtherLogitsWithPenalty, "logits that differ by 1 from those of forward"),
        (PenaltyIsANumber, "with_penalty failed: AttributeError: 'float' object"),
        (WeightingOfOneHead, r"trace returned 'read weighting' with the shape \(3, 4\) .*\[B, heads, N\]"),
        (MemoryWithoutBatch, r"trace returned 'memory' with the shape \(1, 4, 1\) for a batch of 3"),
        (TraceIsATensor, "trace failed: AttributeError: .* Expected a dictionary of tensors"),
        (RandomConstants, r"another model with the same state_dict differ by .* \(register_buffer\)"),
        (AnotherShapeEachTime, r"cannot load the state_dict: (?s:.*) depend on the configuration alone"),
        (Detached, "there is no gradient: .* look for detach"),
        (PartlyDetached, "no gradient reaches the parameter 'gru.weight_ih_l0'"),
        (Unused, "no gradient reaches the parameter 'spare.weight'; .* remove it"),
        (InfiniteGradient, "gradient of the parameter 'output.weight' is not finite"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_mistake_is_explained(model, message):
    with pytest.raises(ModelError, match=message):
        check_model(model)
