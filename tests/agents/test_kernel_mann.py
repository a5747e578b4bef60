"""The fused kernel of the MANN: the results of the reference, for every option, shape and gradient."""

from functools import partial

import pytest
import torch
from fused import assert_same, assert_same_on_threads, assert_steps_are_the_whole
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mann_in_loops import INPUTS, OUTPUTS, any_state, make

from ntm_agents import MANN
from ntm_agents.kernels.mann import infer, recur
from ntm_agents.protocol import mapped, tensors

OPTIONS = st.fixed_dictionaries(
    {
        "controller": st.sampled_from(["feedforward", "lstm"]),
        "hidden_size": st.integers(1, 9),
        "read_heads": st.integers(1, 5),
        "memory_width": st.integers(1, 9),
        "usage_decay": st.sampled_from([0.5, 0.95]),
        "order": st.sampled_from(["write_first", "read_first"]),
        "key_strength": st.booleans(),
        "epsilon": st.sampled_from([1e-6, 0.1]),
    }
) | st.fixed_dictionaries(
    {
        "controller": st.sampled_from(["feedforward", "lstm"]),
        "hidden_size": st.integers(1, 9),
        "read_heads": st.sampled_from([2, 4]),
        "order": st.sampled_from(["write_first", "read_first"]),
        "key_strength": st.booleans(),
        "delayed_output": st.just(True),
    }
)
RECIPE = {"controller": "feedforward", "order": "read_first", "key_strength": True, "delayed_output": True}


def data(T, B, seed=0):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(dtype=torch.float64, **config):
    """Return one model with each kernel."""
    return [make(**config, kernel=kernel).to(dtype) for kernel in ("reference", "fused")]


def results(model, T, B, capacity, own=False, seed=0):
    """Return all results of a model, and the gradients of everything that it depends on.

    From any state or, where rounding decides between slots that are used equally much, its own.
    """
    dtype = model.output.weight.dtype
    state = model.initial_state(B, capacity)
    if not own:
        state = mapped(lambda part: part.to(dtype), any_state(model, B, state.memory.shape[1], seed))
    leaves = {**dict(tensors(state)), "inputs": data(T, B, seed).to(dtype)}
    for part in leaves.values():
        part.requires_grad_()
    logits, last = model(leaves["inputs"], state)
    again, penalty = model.with_penalty(leaves["inputs"], state)
    assert torch.equal(again, logits)
    found, loss = {}, 0
    for name, part in {"logits": logits, "penalty": penalty, **dict(tensors(last))}.items():
        found[name] = part.detach()
        factors = torch.randn(part.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        loss = loss + (part * factors.to(dtype)).sum()
    leaves |= dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    return found | {f"d {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}


@settings(derandomize=True, deadline=None, max_examples=80)
@given(config=OPTIONS, T=st.integers(1, 12), B=st.integers(1, 9), capacity=st.integers(1, 40))
@example(config={}, T=1, B=1, capacity=1)
@example(config=RECIPE | {"read_heads": 4}, T=9, B=3, capacity=16)
@example(config={"read_heads": 1}, T=5, B=19, capacity=130)  # several tiles
@example(config={"read_heads": 3}, T=17, B=2, capacity=3)  # all slots are emptied at each step
def test_it_is_the_reference_to_the_last_digits(config, T, B, capacity):
    reference, fused = pair(**config)
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-11 * T)


@settings(max_examples=10)
@given(config=OPTIONS, T=st.integers(1, 4), B=st.integers(1, 20), tile=st.integers(2, 16))
@example(config=RECIPE | {"hidden_size": 40}, T=3, B=19, tile=16)
def test_on_threads_it_has_the_same_bytes(config, T, B, tile):
    assert_same_on_threads(partial(results, pair(**config)[1], T, B, 8), tile)


@pytest.mark.parametrize("config", [{}, RECIPE])
def test_from_its_own_state_it_is_the_reference(config):
    """All slots are alike at first."""
    reference, fused = pair(**config)
    assert_same(results(fused, 7, 3, 8, own=True), results(reference, 7, 3, 8, own=True), 1e-11)


@pytest.mark.parametrize("config", [{"memory_width": 20}, RECIPE])
def test_it_is_the_reference_in_single_precision(config):
    reference, fused = pair(torch.float32, **config)
    assert_same(results(fused, 20, 4, 32), results(reference, 20, 4, 32), 1e-3)


@pytest.mark.parametrize("config", [{"read_heads": 3}, RECIPE])
def test_steps_one_by_one_are_the_whole(config):
    _, model = pair(**config)
    assert_steps_are_the_whole(model, data(20, 3), any_state(model, 3, 20))


@pytest.mark.parametrize("config", [{}, RECIPE])
def test_training_twice_gives_the_same_bytes_and_changes_no_state(config):
    _, model = pair(torch.float32, **config)
    found = [results(model, 12, 5, 24) for _ in range(2)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    state = mapped(torch.Tensor.float, any_state(model, 2, 16))
    before = [part.clone() for _, part in tensors(state)]
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            model(data(3, 2).float(), state)
    assert all(torch.equal(part, was) for (_, part), was in zip(tensors(state), before, strict=True))


def test_long_sequences_in_few_slots_stay_finite():
    _, model = pair(torch.float32, read_heads=3)
    assert all(torch.isfinite(part).all() for part in results(model, 400, 2, 4, own=True).values())


def test_values_that_are_not_finite_are_propagated():
    for model in pair():
        inputs = torch.zeros(4, 3, INPUTS, dtype=torch.float64)
        inputs[1, 1, 0] = float("nan")
        finite = torch.isfinite(model(inputs, model.initial_state(3, 8))[0]).all(2)
        assert finite[:, [0, 2]].all()  # others do not suffer
        assert finite[0].all()
        assert not finite[1:, 1].any()


def test_a_usage_that_is_not_a_number_is_read_within_bounds():
    _, model = pair()
    state = any_state(model, 2, 5)
    state.usage[0] = float("nan")
    state.usage[1, :2] = float("nan")
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            logits, _ = model(data(3, 2), state)
        assert logits.isfinite().all()  # as it does not depend on how much a slot was used


def test_which_kernel_runs():
    class Own(MANN):
        def step(self, state, *projected):
            return super().step(state, *projected)

    assert MANN(INPUTS, OUTPUTS).kernel == "fused"
    assert MANN(INPUTS, OUTPUTS, kernel="reference").kernel == "reference"
    assert MANN(INPUTS, OUTPUTS, controller="gru").kernel == "reference"
    with pytest.raises(ValueError, match="the controller is 'gru'"):
        _ = MANN(INPUTS, OUTPUTS, controller="gru", kernel="fused").kernel
    with pytest.raises(ValueError, match="Own has a step of its own"):
        _ = Own(INPUTS, OUTPUTS, kernel="fused").kernel
    for name in ("heads", "controller"):
        model = MANN(INPUTS, OUTPUTS)
        handle = getattr(model, name).register_forward_hook(lambda *arguments: None)
        assert model.kernel == "reference"
        handle.remove()
        assert model.kernel == "fused"
    model.heads = torch.nn.Bilinear(1, 1, 1)
    assert model.kernel == "reference"


def arguments(**config):
    """Return options and tensors of 5 steps and 2 sequences, which nothing else uses."""
    model = pair(**config)[1]
    with torch.no_grad():
        options, *parts = model._kernel_arguments(model.project(data(5, 2)), any_state(model, 2, 8))
        return options, mapped(torch.clone, tuple(parts))


@pytest.mark.parametrize("run", [recur, infer])
@pytest.mark.parametrize("config", [{}, {"controller": "feedforward", "read_heads": 3}, RECIPE])
def test_a_tensor_that_does_not_fit_is_refused(run, config):
    options, parts = arguments(**config)
    changes = [
        lambda part: part.to(torch.float32),
        lambda part: part.to("meta"),
        lambda part: part.unsqueeze(0),
        lambda part: part[:0],
        lambda part: torch.cat((part, part[:1])),
        *(lambda part, d=d: part.repeat_interleave(3, min(d, part.dim() - 1)) for d in range(3)),
        *(lambda part, d=d: part.narrow(min(d, part.dim() - 1), 0, 1) for d in range(3)),
    ]
    for index in range(len(list(tensors(parts)))):
        for change in changes:
            places = iter(range(100))
            wrong = mapped(lambda t, p=places, i=index, c=change: c(t) if next(p) == i else t, parts)
            with pytest.raises(ValueError, match="expected"):
                run(options, *wrong)


def test_fewer_slots_than_heads_are_refused():
    options, (inputs, weights, state) = arguments(read_heads=3)
    few = state._replace(
        memory=state.memory[:, :2], weightings=state.weightings[:, :, :2], usage=state.usage[:, :2]
    )
    for run in (recur, infer):
        with pytest.raises(ValueError, match=r"3 heads for 2 slots .* at least as many slots as heads"):
            run(options, inputs, weights, few)


def test_any_memory_layout_gives_the_same():
    options, parts = arguments(**RECIPE)
    for run in (recur, infer):
        expected = run(options, *mapped(torch.clone, parts))
        turned = mapped(lambda t: t.transpose(0, -1).contiguous().transpose(0, -1), parts)
        assert torch.equal(run(options, *turned).features, expected.features)
