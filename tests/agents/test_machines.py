"""Properties of every machine and option: equations, gradients, the protocol, any number of slots."""

import numpy as np
import pytest
import torch
from every_machine import Whole
from ntm_in_loops import INPUTS, OUTPUTS, data, every_variant, make, reference
from torch.autograd import gradcheck

from ntm_agents.testing import check_model


@every_variant
def test_the_penalty_is_the_mean_entropy_of_the_weightings(kind, config):
    model, inputs = make(kind, config), data(4, 2)
    _, penalty = model.with_penalty(inputs, model.initial_state(2, 6))
    state, entropies = model.initial_state(2, 6), []
    for observation in inputs.split(1):
        _, state = model(observation, state)
        entropies.append(torch.distributions.Categorical(probs=state.weightings).entropy())
    torch.testing.assert_close(penalty, torch.stack(entropies).mean())


@every_variant
def test_it_computes_the_equations_of_the_paper(kind, config):
    model, inputs = make(kind, config), data(T=5, B=2)
    logits, state = model(inputs, model.initial_state(2, 6))
    for b in range(2):
        expected, states = reference(model, inputs[:, b], slots=6)
        np.testing.assert_allclose(logits[:, b].detach(), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.memory[b].detach(), states[-1][0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.weightings[b].detach(), states[-1][1], rtol=1e-9, atol=1e-12)


@every_variant
@pytest.mark.parametrize("slots", [6, 300])
def test_without_gradients_it_computes_the_same(kind, config, slots):
    model, inputs = make(kind, config), data(T=150, B=2)
    logits, state = model(inputs, model.initial_state(2, slots))
    with torch.no_grad():
        found, after = model(inputs, model.initial_state(2, slots))
    torch.testing.assert_close(found, logits.detach(), rtol=1e-8, atol=1e-10)
    for part, expected in zip(after[:3], state[:3], strict=True):
        torch.testing.assert_close(part, expected.detach(), rtol=1e-8, atol=1e-10)


@every_variant
def test_it_keeps_to_the_protocol_of_models(kind, config):
    check_model(kind, input_size=INPUTS, config=config)


@every_variant
def test_its_gradients_are_right(kind, config):
    model, inputs = make(kind, config, hidden_size=2), data(T=2, B=2).requires_grad_()

    def logits(inputs, *parameters):
        return torch.func.functional_call(
            Whole(model), {f"model.{name}": p for name, p in zip(names, parameters, strict=True)}, (inputs,)
        )

    names = [name for name, _ in model.named_parameters()]
    assert gradcheck(logits, (inputs, *model.parameters()), fast_mode=True)


@every_variant
def test_step_by_step_is_the_whole_sequence(kind, config):
    model, inputs = make(kind, config), data(T=6, B=2)
    whole, last = model(inputs, model.initial_state(2, 8))
    state, steps = model.initial_state(2, 8), []
    for observation in inputs:
        logits, state = model(observation.unsqueeze(0), state)
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps), whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state.memory, last.memory, rtol=1e-12, atol=1e-12)


@every_variant
def test_no_parameter_depends_on_the_number_of_slots(kind, config):
    shapes = []
    for slots in (None, 8, 64):
        parameters = kind(INPUTS, OUTPUTS, **config, memory_slots=slots).state_dict()
        shapes.append({name: value.shape for name, value in parameters.items()})
    assert shapes[0] == shapes[1] == shapes[2]


@every_variant
def test_slots_start_the_same_however_many_there_are(kind, config):
    model = make(kind, config)
    small, large = model.initial_state(2, 8), model.initial_state(2, 64)
    assert torch.equal(large.memory[:, :8], small.memory)
    if model.config.head_init != "uniform":
        assert torch.equal(large.weightings[..., :8], small.weightings)
        assert (large.weightings[..., 8:] == 0).all()
