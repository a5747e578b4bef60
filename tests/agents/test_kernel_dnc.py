"""The fused kernel of the DNC: the results of the reference, for every option, shape and gradient."""

from functools import partial

import pytest
import torch
from fused import assert_same, assert_same_on_threads, assert_steps_are_the_whole
from fused_dnc import INPUTS, OPTIONS, OUTPUTS, any_state, pair, results
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_agents.kernels.dnc import infer, recur
from ntm_agents.machines.dnc import DNC
from ntm_agents.protocol import mapped, tensors

ALL = {"masking": True, "deallocation": True, "link_sharpening": True, "skip_connection": True}
SMALL = {"hidden_size": 4, "memory_width": 3, "read_heads": 2}


@settings(derandomize=True, deadline=None, max_examples=60)
@given(config=OPTIONS, T=st.integers(1, 12), B=st.integers(1, 9), capacity=st.integers(1, 40))
@example(config={}, T=1, B=1, capacity=1)
@example(config=ALL | {"links": 4}, T=9, B=3, capacity=16)
@example(config=ALL, T=5, B=19, capacity=66)  # several tiles
def test_it_is_the_reference_to_the_last_digits(config, T, B, capacity):
    reference, fused = pair(**config)
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-11 * T)


@settings(max_examples=10)
@given(config=OPTIONS, T=st.integers(1, 4), B=st.integers(1, 20), tile=st.integers(2, 16))
@example(config={"hidden_size": 40, "links": 4}, T=3, B=19, tile=16)
def test_on_threads_it_has_the_same_bytes(config, T, B, tile):
    assert_same_on_threads(partial(results, pair(**config)[1], T, B, 8), tile)


@pytest.mark.parametrize("links", [None, 0, 3])
def test_from_its_own_state_it_is_the_reference(links):
    """All slots are alike at first, and then come in order."""
    reference, fused = pair(links=links, **SMALL)
    assert_same(results(fused, 7, 3, 8, own=True), results(reference, 7, 3, 8, own=True), 1e-11)


@pytest.mark.parametrize("links", [None, 8])
def test_it_is_the_reference_in_single_precision(links):
    reference, fused = pair(torch.float32, 0, links=links, **ALL)
    assert_same(results(fused, 20, 4, 32), results(reference, 20, 4, 32), 1e-3)


@pytest.mark.parametrize("links", [None, 0, 3])
def test_steps_one_by_one_are_the_whole(links):
    _, model = pair(links=links, **SMALL, **(ALL if links else {}))
    inputs = torch.randn(9, 3, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    start = any_state(model, 3, 20, torch.Generator().manual_seed(1))
    assert_steps_are_the_whole(model, inputs, start)


@pytest.mark.parametrize("links", [None, 4])
def test_training_twice_gives_the_same_bytes(links):
    found = []
    for _ in range(2):
        _, model = pair(torch.float32, links=links, **ALL)
        found.append(results(model, 12, 5, 24))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_long_sequences_stay_finite():
    for links in (None, 4):
        _, model = pair(torch.float32, links=links, **SMALL, **ALL)
        assert all(torch.isfinite(tensor).all() for tensor in results(model, 400, 2, 32, own=True).values())


def test_values_that_are_not_finite_are_propagated():
    for model in pair(torch.float32, **SMALL):
        inputs = torch.zeros(4, 3, INPUTS)
        inputs[1, 1, 0] = float("nan")
        finite = torch.isfinite(model(inputs, model.initial_state(3, 8))[0]).all(2)
        assert finite[:, [0, 2]].all()  # others do not suffer
        assert finite[0].all()
        assert not finite[1:, 1].any()


def test_states_are_not_changed():
    for links in (None, 4):
        _, model = pair(links=links, **SMALL)
        state = any_state(model, 2, 16, torch.Generator().manual_seed(0))
        before = [tensor.clone() for _, tensor in tensors(state)]
        for grad in (False, True):
            with torch.set_grad_enabled(grad):
                model(torch.ones(3, 2, INPUTS, dtype=torch.float64), state)
        assert all(torch.equal(t, was) for (_, t), was in zip(tensors(state), before, strict=True))


def test_there_are_no_second_derivatives():
    _, model = pair(**SMALL)
    logits, _ = model(torch.ones(3, 2, INPUTS, dtype=torch.float64), model.initial_state(2, 8))
    with pytest.raises(RuntimeError, match="kernel='reference'"):
        torch.autograd.grad(logits.sum(), list(model.parameters()), create_graph=True)


def test_which_kernel_runs():
    class Own(DNC):
        def _read(self, *arguments):
            return super()._read(*arguments)

    assert DNC(INPUTS, OUTPUTS).kernel == "fused"
    assert DNC(INPUTS, OUTPUTS, kernel="reference").kernel == "reference"
    assert DNC(INPUTS, OUTPUTS, controller="gru").kernel == "reference"
    assert Own(INPUTS, OUTPUTS).kernel == "reference"
    with pytest.raises(ValueError, match="Own has a _read of its own"):
        _ = Own(INPUTS, OUTPUTS, kernel="fused").kernel
    model = DNC(INPUTS, OUTPUTS)
    model.controller.register_forward_hook(lambda *arguments: None)
    assert model.kernel == "reference"


def arguments(**config):
    """Return options and tensors of 5 steps and 2 sequences, which nothing else uses."""
    model = pair(**SMALL, **config)[1]
    state = any_state(model, 2, 8, torch.Generator().manual_seed(0))
    with torch.no_grad():
        projected = model.project(torch.ones(5, 2, INPUTS, dtype=torch.float64))
        options, *parts = model._kernel_arguments(projected, state)
        return options, mapped(torch.clone, tuple(parts))


@pytest.mark.parametrize("run", [recur, infer])
@pytest.mark.parametrize("config", [{"links": 3}, {"controller": "feedforward", **ALL}])
def test_a_tensor_that_does_not_fit_is_refused(run, config):
    options, parts = arguments(**config)
    changes = [
        lambda tensor: tensor.to(torch.float32),
        lambda tensor: tensor.to("meta"),
        lambda tensor: tensor.unsqueeze(0),
        lambda tensor: tensor[:0],
        *(lambda tensor, d=d: torch.cat((tensor, tensor), min(d, tensor.dim() - 1)) for d in range(3)),
        *(lambda tensor, d=d: tensor.narrow(min(d, tensor.dim() - 1), 0, 1) for d in range(3)),
    ]
    for index in range(len(list(tensors(parts)))):
        for change in changes:
            places = iter(range(100))
            wrong = mapped(lambda t, p=places, i=index, c=change: c(t) if next(p) == i else t, parts)
            with pytest.raises(ValueError, match="expected"):
                run(options, *wrong)


@pytest.mark.parametrize("column", [-1, 8])
def test_columns_outside_the_slots_are_refused(column):
    options, (inputs, weights, state) = arguments(links=3)
    state.links[2][1, 7, 2] = column
    for run in (recur, infer):
        with pytest.raises(ValueError, match="values outside 0 to 7"):
            run(options, inputs, weights, state)


def test_any_memory_layout_gives_the_same():
    for links in (None, 3):
        options, parts = arguments(links=links)
        for run in (recur, infer):
            expected = run(options, *mapped(torch.clone, parts))
            turned = mapped(lambda t: t.transpose(0, -1).contiguous().transpose(0, -1), parts)
            found = run(options, *turned)
            assert torch.equal(found.features, expected.features)
