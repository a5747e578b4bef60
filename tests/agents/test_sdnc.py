"""The Sparse DNC: its equations, gradients and invariants, its state, and its options.

Generic tests are in `test_every_machine.py`.
"""

import json
from dataclasses import asdict

import numpy as np
import pytest
import sam_in_loops
import torch
from hypothesis import given
from hypothesis import strategies as st
from sam_in_loops import INPUTS, OUTPUTS, data
from sdnc_in_loops import VARIANTS, Links, any_state, make
from torch.autograd import gradcheck
from torch.testing import assert_close

from ntm_agents import SAM, SDNC, addressing, link_rows, sparse_access
from ntm_agents.machines.sdnc import SDNCConfig
from ntm_agents.options import searchable
from ntm_agents.protocol import config_class, mapped, tensors
from ntm_agents.testing import check_model

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
OPTIONS = st.fixed_dictionaries(
    {
        "controller": st.sampled_from(["feedforward", "lstm"]),
        "heads": st.integers(1, 3),
        "read_slots": st.integers(1, 5),
        "links": st.integers(1, 5),
        "memory_width": st.integers(1, 4),
        "skip_connection": st.booleans(),
        "mode_bias": st.sampled_from([(0.0, 0.0, 0.0), (3.0, 0.0, 3.0)]),
    }
)


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
            links = Links(model, row)
            expected, memory, reading, usage = sam_in_loops.reference(model, inputs[:, b], row, links)
            np.testing.assert_allclose(logits[:, b], expected, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(state.memory[b], memory, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(reading_of(state)[b], reading, rtol=1e-8, atol=1e-10)
            np.testing.assert_allclose(link_rows.dense(state.links)[b], links.matrices, rtol=1e-8, atol=1e-10)
            np.testing.assert_array_equal(state.usage[b], usage)


class Dense(SDNC):
    """The machine that reads all slots and keeps all links: a softmax over the memory, and matrices."""

    def check_state(self, inputs, state):
        pass  # the links are the precedence weighting [B, H, N] and the matrix [B, H, N, N]

    def _write(self, parameters, state):
        written, writing = SAM._write(self, parameters, state)
        (precedence, matrix), rows = state.links, writing.unsqueeze(3)
        matrix = (1 - rows) * matrix + rows * precedence.unsqueeze(2)
        matrix = matrix * (1 - torch.eye(matrix.shape[3], dtype=matrix.dtype))
        precedence = (1 - writing.sum(2, keepdim=True)) * precedence + writing
        return written._replace(links=(precedence, matrix)), writing

    def _read(self, parameters, state):
        similarities = addressing.similarity(state.memory, parameters.keys, self.config.epsilon)
        content = addressing.content_weighting(similarities, parameters.strengths)
        reading, (_, matrix) = reading_of(state).unsqueeze(2), state.links
        ways = torch.stack(((reading @ matrix).squeeze(2), content, (reading @ matrix.mT).squeeze(2)), 3)
        weightings = (ways * parameters.modes.unsqueeze(2)).sum(3)
        return weightings, torch.arange(weightings.shape[2]).expand_as(weightings)


@given(st.integers(1, 3), st.integers(3, 7), st.integers(1, 5), st.integers(0, 999))
def test_with_all_slots_and_all_links_it_is_the_dense_machine_gradients_too(heads, N, T, seed):
    inputs, sparse = data(T, 2, seed), make(heads=heads, read_slots=N, links=N, seed=seed)
    dense = Dense(INPUTS, OUTPUTS, **asdict(sparse.config)).double()
    dense.load_state_dict(sparse.state_dict())
    start = any_state(sparse, 2, N, seed)
    precedence = sparse_access.dense(start.links.precedence, start.links.last, N)
    matrices = start._replace(links=(precedence, link_rows.dense(start.links)))
    found = []
    for model, begun in ((sparse, start), (dense, matrices)):
        logits, state = model(inputs, begun)
        matrix = link_rows.dense(state.links) if model is sparse else state.links[1]
        parts = [logits, state.memory, reading_of(state), matrix]
        total = sum(part.square().sum() for part in parts)
        gradients = torch.autograd.grad(total, list(model.parameters()))
        found.append([*parts, state.usage, *gradients])
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


@given(OPTIONS, st.sampled_from([0.3, 3.0, 30.0]), st.integers(1, 12), st.integers(0, 999))
def test_a_step_touches_few_rows_and_weightings_and_links_keep_to_their_range(config, scale, N, seed):
    model, inputs = make(config, scale=scale, seed=seed), data(10, 2, seed)
    state = any_state(model, 2, N, seed)
    K = state.slots.shape[2]
    with torch.no_grad():
        for each in inputs.split(1):
            before, (_, state) = state, model(each, state)
            assert (state.weightings >= 0).all()
            assert (state.weightings.sum(2) <= 1 + 1e-9).all()
            assert (state.slots.sort(2).values.diff(dim=2) > 0).all(), "no head reads a slot twice"
            assert (state.links.precedence.sum(2) <= 1 + 1e-9).all()
            matrix, previous = link_rows.dense(state.links), link_rows.dense(before.links)
            assert ((matrix - previous).abs() > 0).any(3).sum(2).max() <= K + 1, "rows of links"
            assert (matrix >= -1e-12).all()
            assert (matrix.sum(3) <= 1 + 1e-9).all()
            assert not matrix.diagonal(dim1=2, dim2=3).any()
            followers = state.links.followers.sort(3).values
            twice = followers[..., 1:] == followers[..., :-1]
            assert not (twice & (followers[..., 1:] != torch.arange(followers.shape[2]).unsqueeze(1))).any()


@pytest.mark.parametrize("heads", [1, 2])
def test_a_head_follows_its_links_in_the_order_of_its_writes_and_back(heads):
    options = {"skip_connection": True, "key_init": "word", "memory_width": 64, "memory_slots": 20}
    biases = {"strength_bias": 1000.0, "write_gate_bias": 100.0, "read_gate_bias": -100.0}
    model = make(heads=heads, scale=0.0, mode_bias=(-100.0, 100.0, -100.0), **options, **biases)
    words = torch.eye(3).double().repeat(2, 1) * torch.tensor([[1.0]] * 3 + [[-1.0]] * 3)  # (6, I)
    each = model.interface.bias.view(heads, -1)

    def walk(inputs, state, modes=None):
        slots = []
        if modes:
            each[:, model.config.memory_width + 1] = -1000.0  # the write gate
            each[:, -3 - model.config.memory_width : -model.config.memory_width] = torch.tensor(modes)
        for x in inputs:
            _, state = model(x.view(1, 1, INPUTS), state)
            slots.append(state.slots[0, :, 0].tolist())
        return slots, state

    with torch.no_grad():
        written, state = walk(words, model.initial_state(1, 20))
        _, state = walk(words[:1], state, (-100.0, 100.0, -100.0))  # looks up the first word
        onward, state = walk(torch.zeros(5, INPUTS).double(), state, (-100.0, -100.0, 100.0))
        back, _ = walk(torch.zeros(5, INPUTS).double(), state, (100.0, -100.0, -100.0))
    assert written == [[heads * t + head for head in range(heads)] for t in range(6)]
    assert onward == written[1:]
    assert back == written[-2::-1]


def test_rows_and_columns_keep_their_largest_entries_and_forget_those_that_were_dropped():
    links = link_rows.no_links(torch.zeros(()), batch_size=1, heads=1, slots=4, count=2)
    first = torch.tensor([[[0.5, 0.3, 0.2]]]), torch.tensor([[[0, 1, 2]]])
    links = link_rows.link(links, *first)
    assert links.last.tolist() == [[[0, 1]]]
    links = link_rows.link(links, torch.tensor([[[0.6, 0.3, 0.1]]]), torch.tensor([[[3, 2, 1]]]))
    expected = torch.zeros(4, 4)
    expected[1, 0], expected[2, :2], expected[3, :2] = (
        0.05,
        0.3 * first[0][0, 0, :2],
        0.6 * first[0][0, 0, :2],
    )
    assert_close(link_rows.dense(links)[0, 0], expected)
    reads = torch.ones(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64)
    weights, slots = link_rows.forward(links, *reads)
    assert slots.tolist() == [[[3, 2]]], "slot 1, which follows slot 0 the least, is forgotten"
    assert_close(weights, torch.tensor([[[0.3, 0.15]]]))


def test_weights_of_one_slot_are_merged_before_the_largest_are_chosen():
    weights, slots = torch.tensor([0.2, 0.3, 0.25, 0.2]), torch.tensor([4, 1, 0, 4])
    found, places = sparse_access.merge(weights, slots, 3)
    assert_close(found, torch.tensor([0.4, 0.3, 0.25]))
    assert places.tolist() == [4, 1, 0]
    assert [part.tolist() for part in sparse_access.merge(weights[:2], slots[:1].repeat(2), 2)] == [
        [0.5, 0.0],
        [4, 0],
    ]


@pytest.mark.parametrize("variant", ["one slot, one link", "chain"])
def test_it_keeps_to_the_protocol_of_models(variant):
    check_model(SDNC, input_size=INPUTS, config=VARIANTS[variant])


@every_variant
def test_an_episode_has_finite_gradients_from_its_first_step_on(config):
    model = make(config, epsilon=0.0).float()  # the memory and the read vectors are zeros at first
    logits, state = model(torch.zeros(8, 2, INPUTS), model.initial_state(2, 6))
    sum(part.sum() for part in (logits, state.memory, state.links.values)).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_the_state_grows_with_the_number_of_slots_by_memory_usage_and_rows_of_links_alone():
    model = make()
    sizes = [dict(tensors(model.initial_state(2, N))) for N in (64, 128)]
    grown = {name for name, part in sizes[0].items() if part.shape != sizes[1][name].shape}
    links = {f"state.links.{name}" for name in ("values", "columns", "followers")}
    assert grown == {"state.memory", "state.usage", *links}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": lambda part: part + 8}, "state.links.columns has values outside 0 to 7, the slots"),
        ({"last": lambda part: part - 1}, "state.links.last has values outside 0 to 7, the slots"),
        ({"followers": lambda part: -part}, "state.links.followers has values outside 0 to 7, the slots"),
        ({"columns": lambda part: part.int()}, "state.links.columns is torch.int32; expected torch.int64"),
        ({"values": lambda part: part[..., :1]}, r"state.links.values has shape \(2, 2, 8, 1\)"),
    ],
)
def test_links_that_do_not_fit_are_refused(change, message):
    model = make()
    state = model.initial_state(2, 8)
    links = state.links._replace(**{name: to(getattr(state.links, name)) for name, to in change.items()})
    with pytest.raises(ValueError, match=message):
        model(data(4, 2), state._replace(links=links))


def test_a_state_without_links_is_refused():
    with pytest.raises(
        ValueError, match=r"the state has 7 tensors .*; expected the 12 that initial_state of SDNC"
    ):
        make()(data(4, 2), sam_in_loops.make().initial_state(2, 8))


def test_pictures_show_reads_memory_and_links():
    model = make()
    shown = model.trace(model(data(5, 2), model.initial_state(2, 6))[1])
    assert {name: tuple(part.shape) for name, part in shown.items()} == {
        "read weighting": (2, 2, 6),
        "memory": (2, 6, 3),
        "links": (2, 6, 6),
    }


def test_biases_of_read_modes_start_as_configured():
    model = SDNC(1, 1, memory_width=1, heads=2, strength_bias=1.0, mode_bias=(2.0, 3.0, 4.0))
    assert model.interface.bias.tolist() == 2 * [0, 1, 0, 0, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"links": 0}, "links is 0; expected an integer of at least 1"),
        ({"mode_bias": (1.0, 2.0)}, r"mode_bias is \(1.0, 2.0\); expected a list of 3 finite numbers"),
        (
            {"kernel": "fused"},
            "kernel is 'fused'; expected 'auto' or 'reference', as no fused kernel has links",
        ),
    ],
)
def test_impossible_values_are_refused_with_a_message(config, message):
    with pytest.raises(ValueError, match=message):
        SDNC(INPUTS, OUTPUTS, **config)


def test_it_takes_its_steps_in_plain_pytorch():
    assert SDNC(INPUTS, OUTPUTS).kernel == "reference"


def test_the_configuration_survives_json_and_a_search_tries_its_links():
    config = SDNCConfig(mode_bias=(0.0, 1.0, 2.0))
    assert SDNCConfig(**json.loads(json.dumps(asdict(config)))) == config
    assert config_class(SDNC) is SDNCConfig
    assert "links" in searchable(SDNCConfig)
