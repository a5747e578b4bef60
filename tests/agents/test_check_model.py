"""`check_model` accepts good models, and reports mistakes in the form of models, states and logits."""

import functools

import numpy as np
import pytest
import torch
from good_models import Good, GoodLSTM, Stateless, WithConstants, WithExtras
from torch import nn

from ntm_agents import JumpNTM
from ntm_agents.testing import ModelError, check_model
from ntm_envs import tasks


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


def test_a_model_that_needs_a_task_is_built_for_it():
    named = {"signal_channels": ("delimiter",), "counter_channels": ("count",)}
    check_model(JumpNTM, task=tasks.get("repeat_copy"), config=named)
    with pytest.raises(ModelError, match="unknown input channel 'count'"):
        check_model(JumpNTM, task=tasks.get("copy"), config=named)
    with pytest.raises(ModelError, match="the names of the input channels are not known"):
        check_model(JumpNTM, config=named)


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


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (OptionWithoutDefault, "needs 'hidden_size'; .* give it a default value"),
        (OptionsWithoutNames, r"takes \*\*options, which does not name its options"),
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
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_mistake_is_explained(model, message):
    with pytest.raises(ModelError, match=message):
        check_model(model)
