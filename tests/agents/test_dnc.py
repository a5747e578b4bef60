"""The DNC: its equations, gradients and invariants, its state, and its options."""

import json
from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
from dnc_in_loops import INPUTS, OUTPUTS, VARIANTS, any_state, configurations, data, make, reference
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.testing import assert_close

from ntm_agents import DNC, sparse_links
from ntm_agents.machines.dnc import DNCConfig
from ntm_agents.protocol import config_class, mapped, tensors
from ntm_agents.testing import check_model

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)


def floats(state):
    """Return all parts of a state but the columns of sparse links."""
    return [part for _, part in tensors(state) if part.is_floating_point()]


def links_of(state):
    """Return precedence and dense links, zeros if there are none."""
    if not state.links:
        return torch.zeros_like(state.usage), torch.zeros_like(state.usage).diag_embed()
    precedence, *entries = state.links
    return precedence, entries[0] if len(entries) == 1 else sparse_links.dense(*entries)


@given(configurations(), st.integers(1, 4), st.integers(1, 2), st.integers(1, 6), st.integers(0, 999))
def test_it_computes_the_equations_of_the_paper(config, T, B, N, seed):
    model, inputs = make(config, seed=seed), data(T, B, seed)
    start = any_state(model, B, N, seed)
    with torch.no_grad():
        logits, state = model(inputs, start)
    found = (state.memory, state.weightings, state.usage, *links_of(state))
    for b in range(B):
        expected, parts = reference(model, inputs[:, b], mapped(lambda part, b=b: part[b : b + 1], start))
        np.testing.assert_allclose(logits[:, b], expected, rtol=1e-8, atol=1e-10)
        for part, wanted in zip(found, parts, strict=True):
            np.testing.assert_allclose(part[b], wanted, rtol=1e-8, atol=1e-10)


@every_variant
def test_its_gradients_are_right(config):
    model, inputs = make(config, hidden_size=2), data(T=2, B=2)
    start, names = any_state(model, 2, 5), [name for name, _ in model.named_parameters()]

    def outputs(inputs, *values):
        given = iter(values)
        parameters = {name: next(given) for name in names}
        state = mapped(lambda part: next(given) if part.is_floating_point() else part, start)
        logits, after = torch.func.functional_call(model, parameters, (inputs, state))
        return logits, *floats(after)

    arguments = (inputs, *model.parameters(), *floats(start))
    assert gradcheck(outputs, [argument.detach().requires_grad_() for argument in arguments], fast_mode=True)


@pytest.mark.parametrize("name", ["sparse, sharpening", "no links", "all of Csordas and Schmidhuber"])
def test_it_keeps_to_the_protocol_of_models(name):
    check_model(DNC, input_size=INPUTS, config=VARIANTS[name])


@every_variant
def test_step_by_step_it_computes_the_same(config):
    model, inputs = make(config), data(T=40, B=2)
    start = any_state(model, 2, 5)
    whole, last = model(inputs, start)
    with torch.no_grad():
        state, steps = start, []
        for each in inputs.split(1):
            logits, state = model(each, state)
            steps.append(logits)
    assert_close(torch.cat(steps), whole.detach(), rtol=1e-9, atol=1e-12)
    for (_, found), (_, expected) in zip(tensors(state), tensors(last), strict=True):
        assert_close(found, expected.detach(), rtol=1e-9, atol=1e-12)


@given(configurations(), st.sampled_from([0.3, 3.0, 30.0]), st.integers(1, 9), st.integers(0, 999))
def test_usage_weightings_and_links_keep_to_their_ranges(config, scale, N, seed):
    model, inputs = make(config, scale=scale, seed=seed).float(), data(20, 2, seed).float()
    state = model.initial_state(2, N)
    most = 1 + 1e-5
    with torch.no_grad():
        for each in inputs.split(1):
            _, state = model(each, state)
            precedence, links = links_of(state)
            assert (state.usage >= 0).all()
            assert (state.usage <= most).all()
            assert (state.weightings >= -1e-6).all()
            assert (state.weightings.sum(2) <= most).all()
            assert (precedence.sum(1) <= most).all()
            assert (links >= -1e-6).all()
            assert (links.sum(2) <= most).all(), "a row"
            assert (links.sum(1) <= most).all(), "a column"
            assert (links.diagonal(dim1=1, dim2=2) == 0).all()


@given(st.integers(1, 8), st.integers(1, 6), st.booleans(), st.integers(0, 999))
def test_sparse_links_of_all_slots_are_dense_links_and_have_their_gradients(N, T, sharpening, seed):
    found, inputs = [], data(T, 2, seed)
    for links in (None, N):
        model = make(links=links, link_sharpening=sharpening, seed=seed)
        logits, state = model(inputs, model.initial_state(2, N))
        gradients = torch.autograd.grad(logits.square().sum(), list(model.parameters()))
        found.append([logits, *links_of(state), *gradients])
    for sparse, dense in zip(*found, strict=True):
        assert_close(sparse, dense, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "config", [{}, {"links": 3}, {"links": 0}, VARIANTS["all of Csordas and Schmidhuber"]]
)
def test_sequences_a_hundred_times_those_trained_stay_finite(config):
    torch.manual_seed(0)
    model = DNC(INPUTS, OUTPUTS, hidden_size=8, memory_width=4, read_heads=2, memory_slots=8, **config)
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    for _ in range(10):
        inputs = torch.randint(0, 2, (4, 4, INPUTS)).float()
        logits, _ = model(inputs, model.initial_state(4, 16))
        optimizer.zero_grad()
        logits.square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        inputs = torch.randint(0, 2, (400, 2, INPUTS)).float()
        logits, state = model(inputs, model.initial_state(2, 16))
    assert logits.isfinite().all()
    assert all(part.isfinite().all() for _, part in tensors(state))


@every_variant
def test_an_episode_has_finite_gradients_from_its_first_step_on(config):
    model = make(config, epsilon=0.0).float()  # memory, usage, links and read vectors are zeros at first
    logits, state = model(torch.zeros(8, 2, INPUTS), model.initial_state(2, 6))
    sum(part.sum() for part in (logits, state.memory, state.usage, state.weightings)).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@every_variant
def test_a_saturated_interface_has_finite_outputs_and_gradients(config):
    model, inputs = make(config, scale=1e3).float(), data(12, 2).float()
    logits, _ = model(inputs, model.initial_state(2, 6))
    logits.square().mean().backward()
    assert logits.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("links", [None, 0, 3])
def test_without_slots_that_are_not_in_use_look_ups_do_not_depend_on_their_number(links):
    found = {}
    for least_usage in (0.0, 0.01):
        model = make(links=links, least_usage=least_usage, masking=True)
        starts = [model.initial_state(2, N) for N in (12, 48)]
        found[least_usage] = [model(data(8, 2), start)[0].detach() for start in starts]
    assert_close(*found[0.01], rtol=0, atol=1e-6)  # to which usage counts, in the allocation
    assert (found[0.0][0] - found[0.0][1]).abs().max() > 0.01


def test_no_parameter_depends_on_the_number_of_slots():
    shapes = [
        {name: value.shape for name, value in DNC(INPUTS, OUTPUTS, memory_slots=N).state_dict().items()}
        for N in (None, 8, 64)
    ]
    assert shapes[0] == shapes[1] == shapes[2]
    assert DNC(INPUTS, OUTPUTS, memory_slots=5).initial_state(1, 1024).memory.shape == (1, 5, 20)


def test_the_state_starts_at_zero_and_sparse_links_have_columns():
    state = DNC(INPUTS, OUTPUTS, links=3).initial_state(2, 8)
    assert not any(part.any() for _, part in tensors(state))
    assert [part.dtype for part in state.links] == [torch.float32, torch.float32, torch.int64]
    assert [tuple(part.shape) for part in state.links] == [(2, 8), (2, 8, 3), (2, 8, 3)]
    assert DNC(INPUTS, OUTPUTS, links=8).initial_state(2, 5).links[1].shape == (2, 5, 5)


def test_pictures_show_weightings_usage_memory_and_dense_links():
    for config in ({}, {"links": 2}, {"links": 0}):
        model = make(config)
        shown = model.trace(model(data(5, 2), model.initial_state(2, 6))[1])
        shapes = {name: tuple(part.shape) for name, part in shown.items()}
        links = {"links": (2, 6, 6)} if config.get("links") != 0 else {}
        assert shapes == {
            "write weighting": (2, 1, 6),
            "read weighting": (2, 2, 6),
            "usage": (2, 1, 6),
            "memory": (2, 6, 3),
            **links,
        }


def test_biases_start_as_configured_and_nothing_else_has_one():
    config = {
        "strength_bias": (1.0, 2.0, 3.0), "mask_bias": 4.0, "mode_bias": (5.0, 6.0, 7.0),
        "link_sharpening_bias": 8.0, "free_gate_bias": (9.0, 10.0), "allocation_gate_bias": 11.0,
        "write_gate_bias": 12.0, "erase_bias": 13.0,
    }  # fmt: skip
    sizes = {"memory_width": 1, "read_heads": 2}
    model = DNC(1, 1, masking=True, link_sharpening=True, **sizes, **config)
    heads = [0, 1, 4, 0, 2, 4, 0, 3, 4]
    assert model.interface.bias.tolist() == [*heads, *[5, 6, 7] * 2, *[8] * 4, 9, 10, 11, 12, 0, 13]
    each = DNC(1, 1, mode_bias=tuple(range(6)), **sizes)
    assert each.interface.bias[6:12].tolist() == list(range(6))
    assert DNC(1, 1).interface.bias.count_nonzero() == 0


@pytest.mark.parametrize("width", [2, INPUTS, 8])
def test_writes_may_start_as_an_orthogonal_map_of_the_inputs(width):
    options = {"skip_connection": True, "key_init": "chain", "write_init": "orthogonal"}
    model = DNC(INPUTS, OUTPUTS, memory_width=width, read_heads=2, **options)
    vectors = model.interface.parameters_of(model.skip(torch.eye(INPUTS)) + model.interface.bias)
    written = vectors.write[:, 0]  # [I, M]
    product = written @ written.t() if width >= INPUTS else written.t() @ written
    assert_close(product, torch.eye(len(product)), atol=1e-6, rtol=0)
    assert_close(vectors.keys[:, 1], written)


@pytest.mark.parametrize("masking", [False, True])
def test_keys_may_start_as_a_chain(masking):
    width, options = 4, {"skip_connection": True, "key_init": "chain", "masking": masking}
    model = DNC(INPUTS, OUTPUTS, read_heads=3, memory_width=width, hidden_size=5, **options)
    inputs, reads, output = torch.randn(2, INPUTS), torch.randn(2, 3 * width), torch.randn(2, 5)
    vector = model.skip(inputs) + model.interface(torch.cat((reads, output), 1))
    found = model.interface.parameters_of(vector)
    assert_close(found.keys[:, 1], found.write[:, 0])
    assert_close(found.write[:, 0], model.skip(inputs)[:, -2 * width : -width])
    assert_close(found.keys[:, 2:].flatten(1), reads[:, : 2 * width])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"write_init": "orthogonal"},
            "write_init is 'orthogonal'; expected 'random', as skip_connection is",
        ),
        ({"key_init": "chain"}, "key_init is 'chain'; expected 'random', as skip_connection is False"),
        ({"read_heads": 0}, "read_heads is 0; expected an integer from 1 to 1000"),
        ({"memory_width": None}, "memory_width is None; expected an integer of at least 1"),
        ({"links": -1}, "links is -1; expected an integer of at least 0"),
        ({"controller": "rnn"}, "controller is 'rnn'; expected one of 'feedforward', 'lstm', 'gru'"),
        ({"masking": 1}, "masking is 1; expected True or False"),
        ({"write_activation": "relu"}, "write_activation is 'relu'; expected one of 'identity', 'tanh'"),
        ({"least_usage": 1.1}, "least_usage is 1.1; expected a finite number from 0 to 1"),
        ({"epsilon": -1.0}, "epsilon is -1.0; expected a finite number of at least 0"),
        ({"strength_bias": (1.0, 2.0)}, r"strength_bias is \(1.0, 2.0\); expected 5 finite numbers"),
        ({"free_gate_bias": (1.0,)}, r"free_gate_bias is \(1.0,\); expected 4 finite numbers"),
        ({"mode_bias": (1.0, 2.0)}, r"mode_bias is \(1.0, 2.0\); expected 0 or 3 or 12 finite numbers"),
        ({"mode_bias": (1.0, 2.0, 3.0), "links": 0}, "expected 0 finite numbers, as there are 4"),
        ({"link_sharpening": True, "links": 0}, "link_sharpening is True; expected False, as links is 0"),
    ],
)
def test_impossible_values_are_refused_with_a_message(config, message):
    with pytest.raises(ValueError, match=message):
        DNC(INPUTS, OUTPUTS, **config)


def test_the_configuration_survives_json():
    config = DNCConfig(strength_bias=(0.0, 1.0, 2.0, 3.0, 4.0), links=4)
    assert DNCConfig(**json.loads(json.dumps(asdict(config)))) == config
    assert config_class(DNC) is DNCConfig
    assert all(field.kw_only for field in fields(DNCConfig))


def test_options_beyond_the_paper_are_off():
    model = DNC(INPUTS, OUTPUTS)
    beyond = (
        "masking",
        "deallocation",
        "link_sharpening",
        "least_usage",
        "skip_connection",
        "controller_noise",
    )
    assert not any(getattr(model.config, name) for name in beyond)
    assert (model.config.links, model.config.key_init, model.config.write_init) == (None, "random", "random")
