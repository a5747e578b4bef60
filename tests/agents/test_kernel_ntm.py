"""The fused kernel of the NTM: the results of the reference, for every option, shape and gradient."""

import numpy as np
import pytest
import torch
from fused import EXTRAS, INPUTS, OPTIONS, OUTPUTS, assert_same, pair, results, tensors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_agents import NTM, TABLE, memory_machine
from ntm_agents.registry import find
from ntm_envs import tasks

SHAPES = {"T": st.integers(1, 12), "B": st.integers(1, 20), "capacity": st.integers(1, 40)}


@settings(derandomize=True, deadline=None, max_examples=150)
@given(config=st.builds(dict.__or__, OPTIONS, EXTRAS), **SHAPES)
@example(config={"controller": "lstm"}, T=1, B=1, capacity=1)
@example(config={"controller": "lstm", "memory_width": 30}, T=2, B=35, capacity=1024)  # several tiles
@example(config={"controller": "feedforward"}, T=50, B=3, capacity=64)
@example(
    config={"write_heads": 4, "read_heads": 3, "followers": 3, "order": "read_first"}, T=9, B=3, capacity=8
)
@example(
    config={"jump": True, "signal_channels": ["b"], "counter_channels": ["a", "d"], "write_heads": 2},
    T=12,
    B=5,
    capacity=8,
)
def test_it_is_the_reference_to_the_last_digits(config, T, B, capacity):
    reference, fused = pair(**config)
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-11 * T)


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
@pytest.mark.parametrize("heads", [1, 4])
def test_it_is_the_reference_in_single_precision(controller, heads):
    config = {"controller": controller, "orthogonal_init": False, "memory_slots": 128}
    config |= {"read_heads": heads, "write_heads": heads}
    reference, fused = pair(torch.float32, 0, **config)  # with larger weights it is chaotic
    assert_same(results(fused, 41, 8, 128), results(reference, 41, 8, 128), 1e-4)


@pytest.mark.parametrize("task", [row.name for row in tasks.TABLE])
@pytest.mark.parametrize("agent", ["ntm", "ntm-lstm", "ntm-jump"])
def test_recipes_are_the_reference_in_single_precision(agent, task):
    """Users train in single precision, for which the kernel has other exponentials and types."""
    config = dict(find(agent, TABLE).recipe(task).model)
    config |= {name: 0.0 for name in config if name.endswith("_noise")}
    names = {"delimiter": "a", "count": "b"}  # the task's channels, and those here
    for name in ("signal_channels", "counter_channels"):
        if name in config:
            config[name] = tuple(names[channel] for channel in config[name])
    reference, fused = pair(torch.float32, 0, agent == "ntm-jump", **config)
    assert_same(results(fused, 21, 8, 64), results(reference, 21, 8, 64), 5e-3)


@pytest.mark.parametrize("wrong", ["logits", "d heads.weight", "d start memory"])
def test_a_thousandth_is_too_much(wrong):
    reference, fused = pair()
    found = results(fused, 5, 3, 8)
    name = next(name for name in found if name.endswith(wrong))
    found[name] = found[name] * 1.001
    with pytest.raises(AssertionError, match=wrong):
        assert_same(found, results(reference, 5, 3, 8), 1e-4)
    found[name] = found[name] * float("nan")
    with pytest.raises(AssertionError, match=wrong):
        assert_same(found, results(reference, 5, 3, 8), 1e-4)


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_fifty_updates_have_the_same_losses(controller):
    task, losses = tasks.get("copy"), []
    for kernel in ("reference", "fused"):
        torch.manual_seed(0)
        model = NTM(task.input_size, task.output_size, controller=controller, hidden_size=20, kernel=kernel)
        optimizer, mine = torch.optim.Adam(model.parameters(), 3e-3), []
        for update in range(50):
            batch = task.episodes(range(8 * update, 8 * update + 8), length=4)
            logits, _ = model(torch.from_numpy(batch.inputs), model.initial_state(8, 16))
            mask, targets = torch.from_numpy(batch.mask), torch.from_numpy(batch.targets).float()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits[mask], targets[mask])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            mine.append(loss.item())
        losses.append(mine)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
    assert losses[0][-1] < losses[0][0] - 0.02  # something was learnt


def test_the_way_back_may_be_gone_twice():
    _, model = pair()
    logits, _ = model(torch.randn(4, 2, INPUTS, dtype=torch.float64), model.initial_state(2, 8))
    once = torch.autograd.grad(logits.sum(), list(model.parameters()), retain_graph=True)
    again = torch.autograd.grad(logits.sum(), list(model.parameters()))
    for a, b in zip(once, again, strict=True):
        assert torch.equal(a, b)


def test_states_are_not_changed():
    _, model = pair()
    with torch.no_grad():
        _, state = model(torch.ones(3, 2, INPUTS, dtype=torch.float64), model.initial_state(2, 8))
        before = [tensor.clone() for _, tensor in tensors(state)]
        model(torch.ones(3, 2, INPUTS, dtype=torch.float64), state)
    for (_, tensor), was in zip(tensors(state), before, strict=True):
        assert torch.equal(tensor, was)


def test_values_that_are_not_finite_are_propagated():
    for model in pair(torch.float32):
        inputs = torch.zeros(4, 3, INPUTS)
        inputs[1, 1, 0] = float("nan")
        logits, _ = model(inputs, model.initial_state(3, 8))
        finite = torch.isfinite(logits).all(2)
        assert finite[:, [0, 2]].all()  # others do not suffer
        assert finite[0].all()
        assert not finite[1:, 1].any()


def test_sharp_and_long_stays_finite():
    _, model = pair(torch.float32, controller="feedforward", sharpening_bias=50.0, strength_bias=200.0)
    inputs = torch.randn(500, 2, INPUTS).requires_grad_()
    logits, _ = model(inputs, model.initial_state(2, 512))
    (gradient,) = torch.autograd.grad(logits.sum(), inputs)
    assert torch.isfinite(logits).all()
    assert torch.isfinite(gradient).all()


def test_which_kernel_runs(monkeypatch):
    assert NTM(INPUTS, OUTPUTS).kernel == "fused"
    assert NTM(INPUTS, OUTPUTS, kernel="reference").kernel == "reference"
    for config in ({"controller": "gru"}, {"num_layers": 2}):
        assert NTM(INPUTS, OUTPUTS, **config).kernel == "reference"
        with pytest.raises(ValueError, match="does not apply: the controller is"):
            _ = NTM(INPUTS, OUTPUTS, kernel="fused", **config).kernel
    assert NTM(INPUTS, OUTPUTS).to(torch.bfloat16).kernel == "reference"
    assert NTM(INPUTS, OUTPUTS).to("meta").kernel == "reference"
    monkeypatch.setattr(memory_machine, "_HAS_NUMBA", False)
    assert NTM(INPUTS, OUTPUTS).kernel == "reference"
    with pytest.raises(ValueError, match="Numba is not installed"):
        _ = NTM(INPUTS, OUTPUTS, kernel="fused").kernel


def test_a_state_alone_may_have_a_gradient():
    gradients = []
    for model in pair():
        model.requires_grad_(False)
        state = model.initial_state(2, 8)
        hidden, cells = state.controller
        cells = (cells + 0.5).requires_grad_()
        inputs = torch.ones(3, 2, INPUTS, dtype=torch.float64)
        logits, _ = model(inputs, state._replace(controller=(hidden, cells)))
        gradients.append(torch.autograd.grad(logits.sum(), cells)[0])
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-10, atol=1e-12)
    assert gradients[0].abs().max() > 1e-3


@pytest.mark.parametrize("controller", ["feedforward", "lstm"])
def test_rounding_does_not_depend_on_where_memory_is_free(controller, monkeypatch):
    """Arrays that lie close behind each other once made vectorised loops give way to plain ones."""
    model = pair(torch.float32, controller=controller, hidden_size=12, read_heads=2, memory_width=6)[1]
    expected, empty = results(model, T=7, B=5, capacity=8), np.empty
    for seed in range(20):
        random = np.random.default_rng(seed)
        heap = empty(2**18, np.float32)
        ends = [len(heap) // 2] * 2

        def close(shape, dtype, random=random, heap=heap, ends=ends):
            """Return memory that lies directly before or behind all that was asked for so far."""
            size = int(np.prod(shape))
            if random.random() < 0.5:
                ends[0] -= size
                return heap[ends[0] :][:size].reshape(shape)
            ends[1] += size
            return heap[ends[1] - size :][:size].reshape(shape)

        with monkeypatch.context() as patch:
            patch.setattr(np, "empty", close)
            found = results(model, T=7, B=5, capacity=8)
        assert ends[0] < ends[1], "no memory was asked for"
        for name, want in expected.items():
            assert torch.equal(found[name], want), name


def test_a_kernel_leaves_the_processor_as_it_was():
    smallest = torch.tensor(torch.finfo(torch.float32).tiny)
    results(pair(torch.float32)[1], T=2, B=1, capacity=4)
    assert smallest / 2 > 0


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s._replace(memory=s.memory[:2]), r"memory has shape \(2, 8, 20\); expected \(3, 8, 20\)"),
        (lambda s: s._replace(memory=s.memory[:, :7]), r"shape \(3, 2, 8\); .* has \(3, 7, 20\)"),
        (lambda s: s._replace(weightings=s.weightings[:, :1]), r"weightings has shape \(3, 1, 8\)"),
        (lambda s: s._replace(reads=s.reads[:, 1:]), r"reads has shape \(3, 19\); expected \(3, 20\)"),
        (lambda s: s._replace(controller=(s.controller[0], s.controller[1][:1])), r"controller\[1\] has"),
        (lambda s: s._replace(memory=s.memory.double()), "memory is torch.float64; expected torch.float32"),
        (
            lambda s: s._replace(memory=s.memory[:, :2], weightings=s.weightings[..., :2]),
            "2 slots; .* least 3",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_refused(kernel, grad, change, message):
    model = NTM(INPUTS, OUTPUTS, kernel=kernel)
    state = change(model.initial_state(3, 8))
    with torch.set_grad_enabled(grad), pytest.raises(ValueError, match=message):
        model(torch.zeros(4, 3, INPUTS), state)
    with pytest.raises(ValueError, match=message):
        model.with_penalty(torch.zeros(4, 3, INPUTS), state)
