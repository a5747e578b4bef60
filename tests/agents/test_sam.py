"""Sparse Access Memory: its equations, gradients and invariants, its state, and its options."""

import json
from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sam_in_loops import INPUTS, OPTIONS, OUTPUTS, VARIANTS, any_state, data, make, reference
from torch.autograd import gradcheck
from torch.testing import assert_close

from ntm_agents import SAM, addressing, sparse_access
from ntm_agents.machines.sam import SAMConfig
from ntm_agents.protocol import config_class, mapped, tensors
from ntm_agents.testing import check_model

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)


def reading_of(state):
    return sparse_access.dense(state.weightings, state.slots, state.memory.shape[1])


@given(OPTIONS, st.integers(1, 4), st.integers(1, 2), st.integers(1, 9), st.integers(0, 999))
def test_it_computes_the_equations_of_the_paper(config, T, B, N, seed):
    model, inputs = make(config, seed=seed), data(T, B, seed)
    start = any_state(model, B, N, seed)
    with torch.no_grad():
        logits, state = model(inputs, start)
        for b in range(B):
            row = mapped(lambda part, b=b: part[b : b + 1], start)
            expected, memory, reading, usage = reference(model, inputs[:, b], row)
            np.testing.assert_allclose(logits[:, b], expected, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(state.memory[b], memory, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(reading_of(state)[b], reading, rtol=1e-8, atol=1e-10)
            np.testing.assert_array_equal(state.usage[b], usage)


class Dense(SAM):
    """The machine whose heads read all slots, as an NTM's do: no choice, one softmax over the memory."""

    def _read(self, parameters, state):
        similarities = addressing.similarity(state.memory, parameters.keys, self.config.epsilon)
        weightings = addressing.content_weighting(similarities, parameters.strengths)
        return weightings, torch.arange(state.memory.shape[1]).expand_as(weightings)


@given(st.integers(1, 3), st.integers(3, 8), st.integers(1, 5), st.integers(0, 999))
def test_if_heads_read_all_slots_it_is_the_dense_machine_gradients_too(heads, N, T, seed):
    found, inputs = [], data(T, 2, seed)
    sparse = make(heads=heads, read_slots=N, seed=seed)
    dense = Dense(INPUTS, OUTPUTS, **asdict(sparse.config)).double()
    dense.load_state_dict(sparse.state_dict())
    start = any_state(sparse, 2, N, seed)
    for model in (sparse, dense):
        logits, state = model(inputs, start)
        total = logits.square().sum() + state.memory.sin().sum() + reading_of(state).square().sum()
        gradients = torch.autograd.grad(total, list(model.parameters()))
        found.append([logits, state.memory, reading_of(state), state.usage, *gradients])
    for one, other in zip(*found, strict=True):
        assert_close(one, other, rtol=1e-8, atol=1e-10)


@every_variant
def test_its_gradients_are_right(config):
    model, inputs = make(config, hidden_size=2), data(T=2, B=2)
    start, names = any_state(model, 2, 5), [name for name, _ in model.named_parameters()]

    def outputs(inputs, *values):
        given = iter(values)
        parameters = {name: next(given) for name in names}
        state = mapped(lambda part: next(given) if part.is_floating_point() else part, start)
        logits, after = torch.func.functional_call(model, parameters, (inputs, state))
        return logits, *(part for _, part in tensors(after) if part.is_floating_point())

    leaves = [part for _, part in tensors(start) if part.is_floating_point()]
    arguments = [part.detach().requires_grad_() for part in (inputs, *model.parameters(), *leaves)]
    assert gradcheck(outputs, arguments, fast_mode=True)


@every_variant
def test_step_by_step_it_computes_the_same(config):
    model, inputs = make(config), data(T=30, B=2)
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


@given(OPTIONS, st.sampled_from([0.3, 3.0, 30.0]), st.integers(1, 12), st.integers(0, 999))
def test_a_step_touches_few_slots_and_weightings_keep_to_their_range(config, scale, N, seed):
    model, inputs = make(config, scale=scale, seed=seed), data(10, 2, seed)
    H, K = model.config.heads, model.config.read_slots
    state = any_state(model, 2, N, seed)
    with torch.no_grad():
        for each in inputs.split(1):
            before, (_, state) = state, model(each, state)
            changed = (state.memory != before.memory).any(2)
            assert (changed.sum(1) <= H * (K + 1)).all(), "written slots"
            assert (state.weightings >= 0).all()
            assert_close(state.weightings.sum(2), torch.ones(2, H).double())
            ordered = state.slots.sort(2).values
            assert (ordered[:, :, 1:] > ordered[:, :, :-1]).all(), "no head reads a slot twice"
            now = state.usage.amax(1, keepdim=True)
            assert ((state.usage == before.usage) | (state.usage == now)).all()


def test_a_writer_of_new_things_overwrites_what_has_not_been_used_for_longest():
    model = make(heads=1, read_slots=1, write_gate_bias=30.0, read_gate_bias=-30.0, scale=0.0)
    state, written = model.initial_state(1, 4), []
    with torch.no_grad():
        for each in data(12, 1).split(1):
            before, (_, state) = state, model(each, state)
            changed = ((state.memory - before.memory).abs() > 1e-9).any(2)
            written.append(int(before.usage.argmin()))
            assert changed.nonzero()[:, 1].tolist() == written[-1:]
            assert state.usage[0, [written[-1], state.slots[0, 0, 0]]].eq(state.usage.max()).all()
    assert len(set(written)) > 2


@pytest.mark.parametrize("heads", [1, 2])
def test_slots_of_a_chain_are_a_list_that_a_head_can_follow(heads):
    strong = {"strength_bias": 1000.0, "write_gate_bias": 100.0, "read_gate_bias": -100.0}
    chain = {"key_init": "chain", "skip_connection": True, "memory_width": 256, "memory_slots": 30, **strong}
    model, signs = make(heads=heads, scale=0.0, **chain), torch.tensor([-1.0, 1.0]).double()
    words = torch.cartesian_prod(signs, signs, signs)[:, None, None]  # (8, 1, 1, I)
    words = [*words, words[2], words[3]]  # words that occur twice are told apart by those before them
    written, followed = [], []
    with torch.no_grad():
        state = model.initial_state(1, 30)
        for word in words:
            _, state = model(word, state)
            written.append(state.slots[0, :, 0].tolist())
        *_, write_gates, _, _ = model.interface.bias.view(heads, -1).split_with_sizes((256, 1, 1, 1, 256), 1)
        write_gates.fill_(-1000.0)
        for word in (words[0], *(9 * [torch.zeros(1, 1, INPUTS).double()])):
            _, state = model(word, state)
            followed.append(state.slots[0, :, 0].tolist())
    assert written == [[heads * t + head for head in range(heads)] for t in range(10)]
    assert followed == written


def test_least_recently_used_slots_are_in_order_and_ties_go_to_the_lower_slot():
    usage = torch.tensor([[3, 1, 0, 1]])
    free = sparse_access.least_recently_used(usage, 3)
    assert free.argmax(2).tolist() == [[2, 1, 3]]
    used = sparse_access.use(usage, torch.tensor([[0.0, 0.0051, 0.0049, 2.0]]))
    assert used.tolist() == [[3, 4, 0, 4]]


def test_free_slots_are_erased_even_if_nothing_is_written():
    memory, free = torch.ones(1, 3, 2), torch.tensor([[[0, 1, 0]]])
    writing = sparse_access.write_weighting(
        torch.tensor([[[1.0, 0.0, 0.0]]]), free, torch.tensor([[[0.5]]]), torch.tensor([[[0.25]]])
    )
    assert writing.tolist() == [[[0.125, 0.375, 0.0]]]
    after = sparse_access.write(memory, torch.zeros(1, 1, 3), free, torch.ones(1, 1, 2))
    assert after.tolist() == [[[1, 1], [0, 0], [1, 1]]]


@every_variant
def test_it_keeps_to_the_protocol_of_models(config):
    check_model(SAM, input_size=INPUTS, config=config)


@every_variant
def test_an_episode_has_finite_gradients_from_its_first_step_on(config):
    model = make(config, epsilon=0.0).float()  # the memory and the read vectors are zeros at first
    logits, state = model(torch.zeros(8, 2, INPUTS), model.initial_state(2, 6))
    sum(part.sum() for part in (logits, state.memory, state.weightings)).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_no_parameter_depends_on_the_number_of_slots():
    shapes = [
        {name: value.shape for name, value in SAM(INPUTS, OUTPUTS, memory_slots=N).state_dict().items()}
        for N in (None, 8, 64)
    ]
    assert shapes[0] == shapes[1] == shapes[2]
    assert SAM(INPUTS, OUTPUTS, memory_slots=5).initial_state(1, 1024).memory.shape == (1, 5, 32)
    assert SAM(INPUTS, OUTPUTS, slots_per_step=3).initial_state(1, 7).memory.shape == (1, 21, 32)
    assert SAM(INPUTS, OUTPUTS).initial_state(1, 2).memory.shape == (1, 4, 32)


def test_the_state_starts_at_zero():
    state = SAM(INPUTS, OUTPUTS).initial_state(2, 8)
    assert not any(part.any() for name, part in tensors(state) if name != "state.slots")
    assert state.slots.tolist() == [[[0, 1, 2, 3]] * 4] * 2
    assert [part.dtype for part in (state.slots, state.usage)] == [torch.int64] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s._replace(slots=s.slots + 8), "state.slots has values outside 0 to 7, the slots"),
        (lambda s: s._replace(slots=s.slots - 1), "state.slots has values outside 0 to 7, the slots"),
        (lambda s: s._replace(slots=s.slots.int()), "state.slots is torch.int32; expected torch.int64"),
        (lambda s: s._replace(usage=s.usage.double()), "state.usage is torch.float64; expected torch.int64"),
        (lambda s: s._replace(usage=s.usage[:, 1:]), r"state.usage has shape \(2, 7\); expected \(2, 8\)"),
        (lambda s: s._replace(slots=s.slots[..., :1]), r"state.slots has shape \(2, 2, 1\)"),
        (lambda s: s._replace(memory=s.memory[:, :1], usage=s.usage[:, :1], weightings=s.weightings[..., :1],
                              slots=s.slots[..., :1]), "state.memory has 1 slots; expected at least 2"),
        (tuple, "the state is a tuple; expected what initial_state of SAM returns"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_refused(change, message):
    model = make()
    for method in (model, model.with_penalty):
        with pytest.raises(ValueError, match=message):
            method(data(4, 2), change(model.initial_state(2, 8)))


def test_pictures_show_where_heads_read():
    model = make()
    shown = model.trace(model(data(5, 2), model.initial_state(2, 6))[1])
    assert {name: tuple(part.shape) for name, part in shown.items()} == {
        "read weighting": (2, 2, 6),
        "memory": (2, 6, 3),
    }
    assert_close(shown["read weighting"].sum(2), torch.ones(2, 2).double())


def test_biases_start_as_configured_and_nothing_else_has_one():
    model = SAM(
        1, 1, memory_width=1, heads=2, key_bias=1.0, strength_bias=(2.0, 3.0), write_gate_bias=4.0,
        read_gate_bias=(5.0, 6.0),
    )  # fmt: skip
    assert model.interface.bias.tolist() == [1, 2, 4, 5, 0, 1, 3, 4, 6, 0]
    assert SAM(1, 1).interface.bias.count_nonzero() == 0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"heads": 0}, "heads is 0; expected an integer from 1 to 1000"),
        ({"read_slots": 0}, "read_slots is 0; expected an integer of at least 1"),
        ({"memory_slots": 3}, "memory_slots is 3; expected at least 4, the heads"),
        ({"controller": "rnn"}, "controller is 'rnn'; expected one of 'feedforward', 'lstm', 'gru'"),
        ({"read_gate_bias": (1.0,)}, r"read_gate_bias is \(1.0,\); expected 4 finite numbers"),
        ({"key_init": "chain"}, "key_init is 'chain'; expected 'random', as skip_connection is False"),
    ],
)
def test_impossible_values_are_refused_with_a_message(config, message):
    with pytest.raises(ValueError, match=message):
        SAM(INPUTS, OUTPUTS, **config)


def test_the_configuration_survives_json():
    config = SAMConfig(strength_bias=(0.0, 1.0, 2.0, 3.0))
    assert SAMConfig(**json.loads(json.dumps(asdict(config)))) == config
    assert config_class(SAM) is SAMConfig
    assert all(field.kw_only for field in fields(SAMConfig))
