"""`check_model` does with states what trainers and players do, and reports what does not stand it."""

import numpy as np
import pytest
import torch
from good_models import Good
from tape import Tape
from torch import nn

from ntm_agents.testing import ModelError, check_model


class IgnoresItsStateInPieces(Good):
    """A piece of several steps begins anew, and leaves the state as it was."""

    def forward(self, inputs, state):
        if len(inputs) == 1:
            return super().forward(inputs, state)
        return super().forward(inputs, torch.zeros_like(state))[0], state


class OnePositionForAllRows(Tape):
    def forward(self, inputs, state):
        tape, position = state
        return super().forward(inputs, (tape, position[:1].expand_as(position)))


class OnePlaceForAllRows(nn.Module):
    """A sum with weights by position, which the first row tells."""

    def __init__(self, input_size, output_size):
        super().__init__()
        self.output = nn.Linear(input_size, output_size)

    def initial_state(self, batch_size, capacity):
        return self.output.weight.new_zeros(batch_size, 1)

    def forward(self, inputs, state):
        steps = torch.arange(len(inputs), device=inputs.device)[:, None, None] + state[0]
        return self.output(inputs) * steps.cos(), state + len(inputs)


class KnowsItsBatch(Good):
    """It keeps the number of rows that an episode began with."""

    def initial_state(self, batch_size, capacity):
        rows = torch.arange(batch_size, dtype=self.output.weight.dtype)
        return super().initial_state(batch_size, capacity), rows

    def forward(self, inputs, state):
        logits, after = super().forward(inputs, state[0])
        if state[1].tolist() != list(range(len(state[1]))):
            raise ValueError("the rows are not those of the batch")
        return logits, (after, state[1])


class OneSlotTooFew(Tape):
    def initial_state(self, batch_size, capacity):
        return super().initial_state(batch_size, capacity - 1 if capacity == 8 else 2 * capacity)


class WritesWithGradients(Tape):
    def forward(self, inputs, state):
        with torch.no_grad():
            state[0][:, 0] += 1
        return super().forward(inputs, state)


class WritesInEvaluation(Tape):
    """It looks at the wrong switch."""

    def forward(self, inputs, state):
        if self.training:
            return super().forward(inputs, state)
        tape, position = state
        rows, logits = torch.arange(len(position)), []
        for vectors in torch.tanh(self.write(inputs)):
            tape.index_put_((rows, position), vectors)
            position = position + 1
            logits.append(self.output(tape.sum(1) / position[:, None]))
        return torch.stack(logits), (tape, position)


class WritesIntoItsInputs(Tape):
    def forward(self, inputs, state):
        return super().forward(inputs if torch.is_grad_enabled() else inputs.mul_(2), state)


class OtherwiseWithGradients(Good):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits * (2 if torch.is_grad_enabled() else 1), state


class DoesNotSayThatItWrites(Tape):
    reuses_state = False


class SharesOneStart(Tape):
    """All episodes begin with the same tensors, into which it writes."""

    kept = None

    def initial_state(self, batch_size, capacity):
        if self.kept is None or self.kept[0].shape[:2] != (batch_size, capacity):
            self.kept = super().initial_state(batch_size, capacity)
        return self.kept


class ReturnsItsBuffer(Good):
    """The state that it returned before changes with the next call."""

    def forward(self, inputs, state):
        logits, after = super().forward(inputs, state)
        if not torch.is_grad_enabled():
            if getattr(self, "kept", None) is None or self.kept.shape != after.shape:
                self.kept = torch.empty_like(after)
            after = self.kept.copy_(after)
        return logits, after


class StartsAtRandom(Good):
    def initial_state(self, batch_size, capacity):
        return torch.randn(batch_size, 4)


class DrawsNumbers(Good):
    def forward(self, inputs, state):
        np.random.random()  # noqa: NPY002
        return super().forward(inputs, state)


class CountsInEvaluation(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs, state):
        self.calls += 1
        return super().forward(inputs, state)


class StartsFromAParameter(Tape):
    """A single row is a view of the parameter, into which a step then writes."""

    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.first = nn.Parameter(torch.ones(1, 64, 6))

    def initial_state(self, batch_size, capacity):
        _, position = super().initial_state(batch_size, capacity)
        tape = self.first[:, :capacity]
        return tape if batch_size == 1 else tape.repeat(batch_size, 1, 1), position


class GrowingCache(Good):
    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 0, 4)

    def forward(self, inputs, state):
        hidden, _ = self.gru(inputs)
        return self.output(hidden), torch.cat((state, hidden.transpose(0, 1)), 1)


class SmallMistake(Good):
    """A step alone differs in the fifth digit."""

    def forward(self, inputs, state):
        return super().forward(inputs, state * (1 + 1e-5 * (len(inputs) == 1)))


def test_a_model_that_writes_into_its_state_without_gradients_passes():
    check_model(Tape)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (IgnoresItsStateInPieces, r"after 5 steps, the logits of further steps at once \(T = 8\) differ"),
        (
            OnePositionForAllRows,
            r"with rows that have taken 5, 0 and 2 steps, .* a tensor \[B\] of the state",
        ),
        (OnePlaceForAllRows, "with rows that have taken 5, 0 and 2 steps, the logits of four further steps"),
        (KnowsItsBatch, "with rows 2 and 0 of a batch of three, forward failed .* the rows are not those"),
        (
            OneSlotTooFew,
            "failed for T = 8 steps .* as long as no row takes more steps in all than the capacity",
        ),
        (WritesWithGradients, r"changed state\[0\] in place; .* only into its state, and only if"),
        (WritesInEvaluation, r"changed state\[0\] in place; .* torch.is_grad_enabled\(\) is false"),
        (WritesIntoItsInputs, "changed inputs in place; .* may write only into its state"),
        (OtherwiseWithGradients, r"with gradients the logits differ by .* torch.is_grad_enabled\(\)"),
        (DoesNotSayThatItWrites, r"changed state\[0\] in place; .* reuses_state = True"),
        (
            SharesOneStart,
            r"state\[0\], which initial_state returned for other episodes, was changed by a later",
        ),
        (ReturnsItsBuffer, "state, which forward returned for other episodes, was changed by a later call"),
        (StartsAtRandom, "initial_state returned another state the second time"),
        (DrawsNumbers, "draws random numbers in evaluation mode; .* while self.training is true"),
        (CountsInEvaluation, "a step changed 'calls' of the state_dict in evaluation mode"),
        (
            GrowingCache,
            r"In place of a cache that grows, .* position of each row \[B\], .* docs/own-model.md",
        ),
        (StartsFromAParameter, "a step changed 'first' of the state_dict .* initial_state return copies"),
        (SmallMistake, r"step by step \(T = 1\) the logits of step \d differ by \d\.\d+e-0[67]"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_mistake_is_explained(model, message):
    with pytest.raises(ModelError, match=message):
        check_model(model)


class Single(SmallMistake):
    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 4, dtype=torch.float32)


class SinglePrecisionWithin(SmallMistake):
    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits.float().to(logits.dtype), state


@pytest.mark.parametrize(
    ("model", "reason"),
    [(Single, "fails in float64"), (SinglePrecisionWithin, "computes in less than float64 even as")],
)
def test_a_warning_says_where_rounding_may_hide_mistakes(model, reason):
    with pytest.warns(UserWarning, match=f"the model {reason}.* differences below 7e-05 are not seen"):
        check_model(model)
