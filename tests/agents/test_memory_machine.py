"""A machine of a few lines has all features of `MemoryMachine`, and can use its parts."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from ntm_agents import NTM, JumpNTM, addressing, memory_machine
from ntm_agents.memory import initial_rows, initial_weightings
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.testing import ModelError, check_model


class TinyState(NamedTuple):
    memory: Tensor
    weightings: Tensor


class Tiny(MemoryMachine[TinyState]):
    """One head, which looks up what is like the input, and writes the input there."""

    def __init__(self, input_size, output_size, width: int = 3):
        super().__init__()
        self.keys, self.output = nn.Linear(input_size, width), nn.Linear(width, output_size)

    def initial_state(self, batch_size, capacity):
        like, width = self.output.weight, self.keys.out_features
        rows = initial_rows("random", capacity, width, 1.0, like)
        weightings = initial_weightings("uniform", 1, capacity, like)
        return TinyState(rows.expand(batch_size, -1, -1), weightings.expand(batch_size, -1, -1))

    def project(self, inputs):
        return (self.keys(inputs),)

    def step(self, state, *projected):
        key = projected[0].unsqueeze(1)
        similarities = addressing.similarity(state.memory, key, 1e-8)
        weightings = addressing.content_weighting(similarities, torch.ones_like(key[..., :1]))
        memory = addressing.write(state.memory, weightings, torch.ones_like(key), key)
        return TinyState(memory, weightings), (addressing.read(memory, weightings).flatten(1),)

    def read_out(self, features):
        return self.output(features)

    def state_shapes(self, batch_size, slots):
        return [(batch_size, slots, self.keys.out_features), (batch_size, 1, slots)]


def test_it_keeps_to_the_protocol_of_models():
    check_model(Tiny)


def test_it_has_no_kernel():
    assert Tiny(2, 2).kernel == "reference"


def test_pieces_of_a_sequence_are_the_sequence(monkeypatch):
    model, inputs = Tiny(3, 2), torch.randn(70, 2, 3)
    expected, last = model(inputs, model.initial_state(2, 8))
    lengths, recur = [], model.recur

    def spy(projected, state, keep):
        lengths.append(len(projected[0]))
        return recur(projected, state, keep)

    monkeypatch.setattr(model, "recur", spy)
    monkeypatch.setattr(memory_machine, "NUMBERS", 0)
    with torch.no_grad():
        logits, state = model(inputs, model.initial_state(2, 8))
    assert lengths == [32, 32, 6]
    torch.testing.assert_close(logits, expected.detach())
    torch.testing.assert_close(state.memory, last.memory.detach())


def test_the_penalty_is_the_mean_entropy_of_the_weightings():
    model, inputs = Tiny(3, 2), torch.randn(4, 2, 3)
    state, entropies = model.initial_state(2, 5), []
    _, penalty = model.with_penalty(inputs, state)
    for each in inputs.split(1):
        _, state = model(each, state)
        entropies.append(torch.distributions.Categorical(probs=state.weightings).entropy())
    torch.testing.assert_close(penalty, torch.stack(entropies).mean())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s._replace(memory=s.memory[:1]),
            r"state.memory has shape \(1, 8, 3\); expected \(2, 8, 3\), as the inputs have shape \(4, 2, 3\)",
        ),
        (lambda s: s._replace(weightings=s.weightings[:, :, 1:]), r"state.weightings has shape \(2, 1, 7\)"),
        (tuple, "the state is a tuple; expected what initial_state of Tiny returns"),
        (lambda s: s._replace(weightings=tuple(s)), r"the state has 3 tensors \(.*\); expected the 2"),
        (lambda s: s._replace(memory=s.memory.double()), "memory is torch.float64; expected torch.float32"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change, message):
    model, inputs = Tiny(3, 2), torch.zeros(4, 2, 3)
    for method in (model, model.with_penalty):
        with pytest.raises(ValueError, match=message):
            method(inputs, change(model.initial_state(2, 8)))


class NoWeightings(NamedTuple):
    memory: Tensor


class WithoutWeightings(Tiny):
    def initial_state(self, batch_size, capacity):
        return NoWeightings(super().initial_state(batch_size, capacity).memory)


class OneShapeTooFew(Tiny):
    def state_shapes(self, batch_size, slots):
        return super().state_shapes(batch_size, slots)[:-1]


class BareProjection(Tiny):
    def project(self, inputs):
        return self.keys(inputs)


class BareFeatures(Tiny):
    def step(self, state, *projected):
        state, (reads,) = super().step(state, *projected)
        return state, reads


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (WithoutWeightings, "the state has no weightings; expected a named tuple with memory and weightings"),
        (OneShapeTooFew, r"2 tensors \(state.memory, state.weightings\); expected the 1 that"),
        (BareProjection, "project returned a Tensor; expected a tuple of tensors"),
        (BareFeatures, "step returned a Tensor behind the state; expected a tuple of features"),
    ],
)
def test_mistakes_in_the_methods_of_a_machine_are_named(machine, message):
    with pytest.raises(ModelError, match=message):
        check_model(machine)


def test_a_pretrained_machine_is_of_its_class():
    assert isinstance(NTM.from_pretrained("repeat_copy", "ntm-jump"), JumpNTM)
    assert isinstance(JumpNTM.from_pretrained("repeat_copy"), JumpNTM)
    with pytest.raises(
        TypeError, match="ntm on copy is of the class ntm_agents:ExtendedNTM; expected JumpNTM"
    ):
        JumpNTM.from_pretrained("copy", "ntm")
