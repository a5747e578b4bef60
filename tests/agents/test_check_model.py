"""`check_model` finds every mistake: one broken model for each of its complaints."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

from ntm_agents.testing import ModelError, check_model


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
    """Sees the present alone, and its state is an empty tuple."""

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
    """What pictures and a penalty are made of."""

    def with_penalty(self, inputs, state):
        logits, state = self(inputs, state)
        return logits, state.square().mean()

    def trace(self, state):
        return {"read weighting": state[:, None].softmax(2), "memory": state[:, :, None], "state": state}


@pytest.mark.parametrize(
    "model",
    [
        Good,
        GoodLSTM,
        WithConstants,
        WithExtras,
        Stateless,
        functools.partial(Good, hidden_size=7),
        lambda i, o: Good(i, o),
    ],
)
def test_good_models_pass(model):
    check_model(model)


def test_sizes_and_options_are_passed_on():
    seen = []

    def build(input_size, output_size, **config):
        seen.append((input_size, output_size, config))
        return Good(input_size, output_size, **config)

    check_model(build, input_size=2, output_size=5, config={"hidden_size": 6})
    assert seen == [(2, 5, {"hidden_size": 6})] * 2  # the second takes the weights of the first


def test_the_random_state_is_left_alone():
    before = torch.get_rng_state()
    check_model(Good)
    assert torch.equal(torch.get_rng_state(), before)


class OptionWithoutDefault(Good):
    def __init__(self, input_size, output_size, hidden_size):
        super().__init__(input_size, output_size, hidden_size)


class OptionsWithoutNames(Good):
    def __init__(self, input_size, output_size, **options):
        super().__init__(input_size, output_size, **options)


class FailsToBuild(Good):
    def __init__(self, input_size, output_size):
        raise RuntimeError("no such file")


class NoModule:
    def __init__(self, input_size, output_size):
        pass


class NoInitialState(nn.Linear):
    def forward(self, inputs, state):
        return super().forward(inputs), state


class NoForward(nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def initial_state(self, batch_size, capacity):
        return ()


class LayersInAList(Good):
    def __init__(self, input_size, output_size):
        nn.Module.__init__(self)
        self.layers = [nn.Linear(input_size, output_size)]


class InitialStateFails(Good):
    def initial_state(self, batch_size, capacity):
        return torch.zeros(3, 4) if capacity == 8 else [][0]


class StateIsAList(Good):
    def initial_state(self, batch_size, capacity):
        return [super().initial_state(batch_size, capacity)]


class StateIsNumPy(Good):
    def initial_state(self, batch_size, capacity):
        return (np.zeros((batch_size, 4)),)


class NoState(Good):
    def initial_state(self, batch_size, capacity):
        return None


class StateOfPyTorch(Good):
    def initial_state(self, batch_size, capacity):
        return torch.zeros(1, batch_size, 4)

    def forward(self, inputs, state):
        hidden, state = self.gru(inputs, state)
        return self.output(hidden), state


class StateIsBatchByChance(StateOfPyTorch):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.gru = nn.GRU(input_size, 4, num_layers=3)

    def initial_state(self, batch_size, capacity):
        return torch.zeros(3, batch_size, 4)


class StateHasNoBatch(Good):
    def initial_state(self, batch_size, capacity):
        return torch.tensor(0.0)


class StateGrows(Good):
    def forward(self, inputs, state):
        logits, after = super().forward(inputs, state[:, :4])
        return logits, torch.cat((state, after), 1)


class StateLosesItsBatch(Good):
    def forward(self, inputs, state):
        logits, after = super().forward(inputs, state)
        return logits, after.unsqueeze(0)


class LogitsAlone(Good):
    def forward(self, inputs, state):
        return super().forward(inputs, state)[0]


class StateFirst(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return (state,), logits


class LastStepAlone(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits[-1], state


class BatchFirst(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits.transpose(0, 1), state


class TooManyOutputs(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size + 1)


class Bits(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits > 0, state


class Double(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits.double(), state


class NotFinite(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits / inputs.sum(2, keepdim=True).mul(0), state


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
        return super().forward(inputs @ self.mixture, state)


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


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (OptionWithoutDefault, "needs 'hidden_size'; .* give it a default value"),
        (OptionsWithoutNames, r"takes \*\*options, which does not say what its options are"),
        (FailsToBuild, "cannot be built as .*: RuntimeError: no such file"),
        (NoModule, "of type NoModule; expected a torch.nn.Module"),
        (NoInitialState, "no method initial_state; define initial_state"),
        (NoForward, "no method forward; define forward"),
        (LayersInAList, "no parameters to train; .* torch.nn.ModuleList"),
        (InitialStateFails, r"initial_state\(batch_size=5, capacity=64\) failed: IndexError"),
        (StateIsAList, "initial_state returned .* state is of type list; expected a tensor or a tuple"),
        (StateIsNumPy, r"initial_state returned .* state\[0\] is of type ndarray; expected a tensor"),
        (NoState, "state is of type NoneType; expected a tensor"),
        (StateOfPyTorch, r"initial_state returned state with the shape \(1, 3, 4\) .* transpose them"),
        (StateIsBatchByChance, r"shape \(3, 5, 4\) for a batch of 5; expected the batch in dimension 0"),
        (StateHasNoBatch, r"shape \(\) for a batch of 3; expected the batch in dimension 0"),
        (StateGrows, r"given the state .*\(3, 4\).* and returned .*\(3, 8\).*; expected the same tensors"),
        (StateLosesItsBatch, r"forward returned state with the shape \(1, 3, 4\)"),
        (LogitsAlone, "forward returned a Tensor; expected a tuple of two"),
        (StateFirst, "forward returned a tuple of tuple, Tensor; expected a tuple of two: the logits"),
        (LastStepAlone, r"logits of the shape \(3, 8\) .* expected \[T, B, L\] = \(6, 3, 8\)"),
        (BatchFirst, r"logits of the shape \(3, 6, 8\) .* expected \[T, B, L\] = \(6, 3, 8\): time first"),
        (TooManyOutputs, r"logits of the shape \(6, 3, 9\)"),
        (Bits, "logits of type torch.bool; expected torch.float32"),
        (Double, "logits of type torch.float64; expected torch.float32"),
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
