"""The fused kernel of the SAM: the results of the reference, for every option, shape and gradient."""

from functools import partial

import numpy as np
import pytest
import torch
from fused import assert_same, assert_same_on_threads, assert_steps_are_the_whole
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sam_in_loops import INPUTS, OPTIONS, OUTPUTS, any_state, data, make

from ntm_agents.kernels.hashed import enter_all, hyperplanes, table_shape
from ntm_agents.kernels.sam import infer, recur
from ntm_agents.machines.sam import SAM
from ntm_agents.protocol import mapped, tensors


def indexed(state):
    """Return a state all of whose slots are in its index, if it has one."""
    for tables in state.tables:
        planes = hyperplanes(*tables.shape[1:3], state.memory.shape[2], state.memory).numpy()
        enter_all(state.memory.numpy(), planes, np.empty(len(planes), planes.dtype), tables.numpy())
    return state


def results(model, T, B, capacity, seed=0):
    """Return all results of a model, and the gradients of everything that it depends on."""
    state = indexed(any_state(model, B, capacity, seed))
    leaves = {name: part for name, part in tensors(state) if part.is_floating_point()}
    leaves |= {"inputs": data(T, B, seed).to(model.output.weight.dtype)}
    for part in leaves.values():
        part.requires_grad_()
    logits, last = model(leaves["inputs"], state)
    again, penalty = model.with_penalty(leaves["inputs"], state)
    assert torch.equal(again, logits)
    found, loss = {}, 0
    for name, part in {
        "logits": logits,
        "penalty": penalty,
        **dict(tensors(last._replace(tables=()))),
    }.items():
        found[name] = part.detach()
        if part.is_floating_point():
            factors = torch.randn(part.shape, generator=torch.Generator().manual_seed(seed))
            loss = loss + (part * factors.to(part.dtype)).sum()
    leaves |= dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return found | {f"d {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}


def pair(dtype=torch.float64, **config):
    """Return one model with each kernel."""
    return [make(config, kernel=kernel).to(dtype) for kernel in ("reference", "fused")]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(config=OPTIONS, T=st.integers(1, 12), B=st.integers(1, 9), capacity=st.integers(1, 40))
@example(config={}, T=1, B=1, capacity=1)
@example(config={"heads": 1}, T=5, B=19, capacity=130)  # several tiles, and blocks of the search
def test_it_is_the_reference_to_the_last_digits(config, T, B, capacity):
    reference, fused = pair(**config)
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-11 * T)


@settings(max_examples=10)
@given(config=OPTIONS, T=st.integers(1, 4), B=st.integers(1, 20), tile=st.integers(2, 16))
@example(config={"hidden_size": 40, "index": "approximate"}, T=3, B=19, tile=16)
def test_on_threads_it_has_the_same_bytes(config, T, B, tile):
    assert_same_on_threads(partial(results, pair(**config)[1], T, B, 8), tile)


def test_it_is_the_reference_in_single_precision():
    reference, fused = pair(torch.float32)
    assert_same(results(fused, 10, 4, 16), results(reference, 10, 4, 16), 1e-3)


@settings(derandomize=True, deadline=None, max_examples=20)
@given(config=OPTIONS, T=st.integers(1, 8), B=st.integers(1, 3), capacity=st.integers(1, 15))
def test_with_an_index_that_has_room_for_all_slots_it_is_the_reference(config, T, B, capacity):
    """So few slots fit into one bucket, and all buckets of so few slots are looked at."""
    reference, fused = pair(**config, index="approximate")
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-11 * T)


@pytest.mark.parametrize(("N", "M", "cosine"), [(500, 8, 1.0), (2**14, 32, 0.9)])
def test_an_index_finds_what_a_key_is_like(N, M, cosine):
    """The key is a slot's own content, or a noisy copy."""
    model = make(heads=1, read_slots=1, memory_width=M, index="approximate", memory_slots=N)
    state = model.initial_state(1, N)
    state = indexed(state._replace(memory=torch.randn(1, N, M, dtype=torch.float64)))
    noise = torch.randn(N, M, dtype=torch.float64) * (1 - cosine**2) ** 0.5
    with torch.no_grad():
        for part in (model.interface.weight, model.interface.bias):
            part.zero_()
        model.interface.bias[M + 1] = -1e3  # nothing is written
        right, slots = 0, range(5, N, N // 60)
        for slot in slots:
            model.interface.bias[:M] = cosine * state.memory[0, slot] + noise[slot]
            right += int(model(data(1, 1), state)[1].slots[0, 0, 0]) == slot
    assert right >= 0.95 * len(slots)


@pytest.mark.parametrize(("tables", "bits", "width"), [(8, 13, 32), (2, 7, 3)])
def test_normals_of_a_table_are_orthonormal_as_far_as_the_width_goes(tables, bits, width):
    normals = hyperplanes(tables, 2**bits, width, torch.zeros(())).view(tables, bits, width)
    for part in normals.split(width, 1):
        torch.testing.assert_close(part @ part.mT, torch.eye(part.shape[1]).expand(tables, -1, -1))


def test_an_index_of_any_content_is_read_within_bounds():
    model = make(index="approximate")
    state = model.initial_state(2, 20)
    (tables,) = state.tables
    tables.copy_(torch.randint(-(2**31), 2**31 - 1, tables.shape, dtype=torch.int32))
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            logits, last = model(data(20, 2), state)
        assert logits.isfinite().all()
        assert (last.slots < 20).all()


@pytest.mark.parametrize("index", ["exact", "approximate"])
def test_steps_one_by_one_are_the_whole(index):
    _, model = pair(index=index, heads=3)
    assert_steps_are_the_whole(model, data(20, 3), any_state(model, 3, 20))


@pytest.mark.parametrize("index", ["exact", "approximate"])
def test_training_twice_gives_the_same_bytes_and_changes_no_state(index):
    _, model = pair(index=index)
    found = [results(model, 12, 5, 24) for _ in range(2)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    state = any_state(model, 2, 16)
    before = [part.clone() for _, part in tensors(state)]
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            model(data(3, 2), state)
    assert all(torch.equal(part, was) for (_, part), was in zip(tensors(state), before, strict=True))


def test_long_sequences_in_few_slots_stay_finite():
    _, model = pair(heads=3, read_slots=4)
    assert all(torch.isfinite(part.double()).all() for part in results(model, 400, 2, 5).values())


def test_values_that_are_not_finite_are_propagated():
    for model in pair():
        inputs = torch.zeros(4, 3, INPUTS, dtype=torch.float64)
        inputs[1, 1, 0] = float("nan")
        finite = torch.isfinite(model(inputs, model.initial_state(3, 8))[0]).all(2)
        assert finite[:, [0, 2]].all()  # others do not suffer
        assert finite[0].all()
        assert not finite[1:, 1].any()


def test_which_kernel_runs_and_which_search():
    class Own(SAM):
        def _read(self, *arguments):
            return super()._read(*arguments)

    assert SAM(INPUTS, OUTPUTS).kernel == "fused"
    assert SAM(INPUTS, OUTPUTS, controller="gru").kernel == "reference"
    with pytest.raises(ValueError, match="Own has a _read of its own"):
        _ = Own(INPUTS, OUTPUTS, kernel="fused").kernel
    for config, slots, tables in (
        ({}, 2**14, 0),
        ({}, 2**14 + 1, 1),
        ({"index": "exact"}, 2**14 + 1, 0),
        ({"index": "approximate"}, 8, 1),
        ({"index": "approximate", "tables": 3}, 8, 1),
        ({"index": "approximate", "kernel": "reference"}, 8, 0),
    ):
        state = SAM(INPUTS, OUTPUTS, memory_width=1, **config).initial_state(1, slots)
        assert len(state.tables) == tables
        if tables:
            assert state.tables[0].shape[1:] == table_shape(config.get("tables", 8), slots)


def arguments(**config):
    """Return options and tensors of 5 steps and 2 sequences, which nothing else uses."""
    model = pair(**config)[1]
    with torch.no_grad():
        options, *parts = model._kernel_arguments(model.project(data(5, 2)), any_state(model, 2, 8))
        return options, mapped(torch.clone, tuple(parts))


@pytest.mark.parametrize("run", [recur, infer])
@pytest.mark.parametrize("config", [{"index": "approximate"}, {"controller": "feedforward", "heads": 3}])
def test_a_tensor_that_does_not_fit_is_refused(run, config):
    options, parts = arguments(**config)
    changes = [
        lambda part: part.to(torch.float16),
        lambda part: part.to("meta"),
        lambda part: part.unsqueeze(0),
        lambda part: part[:0],
        *(lambda part, d=d: torch.cat((part, part), min(d, part.dim() - 1)) for d in range(4)),
        *(lambda part, d=d: part.narrow(min(d, part.dim() - 1), 0, 1) for d in range(4)),
    ]
    for index, (_, part) in enumerate(tensors(parts)):
        for change in changes:
            if not part.numel() or (change(part).shape == part.shape and change(part).dtype == part.dtype):
                continue
            places = iter(range(100))
            wrong = mapped(lambda t, p=places, i=index, c=change: c(t) if next(p) == i else t, parts)
            with pytest.raises(ValueError, match=r"expected|values outside"):
                run(options, *wrong)


@pytest.mark.parametrize("slot", [-1, 8])
def test_slots_outside_the_memory_are_refused(slot):
    options, (inputs, weights, state) = arguments()
    state.slots[1, 1, 1] = slot
    for run in (recur, infer):
        with pytest.raises(ValueError, match="values outside 0 to 7"):
            run(options, inputs, weights, state)
