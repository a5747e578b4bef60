"""The fused kernel: the same numbers as the reference, for every option, shape and gradient."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numba import njit

from ntm_agents import NTM, TABLE, ExtendedNTM, JumpNTM, memory_machine
from ntm_agents.kernels import arithmetic, cut, products, subnormals
from ntm_agents.kernels.ntm import inference
from ntm_agents.registry import find
from ntm_envs import tasks

CHANNELS = ("a", "b", "c", "d", "e")
INPUTS, OUTPUTS = len(CHANNELS), 3


def pair(dtype=torch.float64, disturbance=0.3, jump=False, **config):
    """The same model with either kernel, all of whose parameters matter."""
    torch.manual_seed(0)
    kind = functools.partial(JumpNTM, input_channels=CHANNELS) if jump else ExtendedNTM
    models = [kind(INPUTS, OUTPUTS, kernel=kernel, **config).to(dtype) for kernel in ("reference", "fused")]
    with torch.no_grad():
        for parameter in models[0].parameters():
            parameter += disturbance * torch.randn_like(parameter)
    models[1].load_state_dict(models[0].state_dict())
    return models


def results(model, T, B, capacity, seed=0):
    """Everything that a model computes, and the gradients of everything that it depends on."""
    dtype = model.output.weight.dtype
    random = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=random, dtype=torch.float64).to(dtype)

    inputs = draw(T, B, INPUTS).requires_grad_()
    first = model.initial_state(B, capacity)
    start = first._replace(
        memory=(first.memory.detach() + draw(*first.memory.shape)).requires_grad_(),
        weightings=draw(*first.weightings.shape).softmax(2).requires_grad_(),
        reads=draw(*first.reads.shape).requires_grad_(),
        controller=tuple(draw(*tensor.shape).requires_grad_() for tensor in first.controller),
    )
    if "counter" in first._fields:
        start = start._replace(counter=draw(*first.counter.shape).requires_grad_())
    # Once from the model's own state, which may be learnt, and once from any.
    found, loss = {}, 0
    for name, state in (("own", first), ("any", start)):
        logits, last = model(inputs, state)
        again, penalty = model.with_penalty(inputs, state)
        assert torch.equal(again, logits)
        for part, tensor in {"logits": logits, "penalty": penalty, **dict(_tensors(last))}.items():
            found[f"{name} {part}"] = tensor.detach()
            loss = loss + (tensor * draw(*tensor.shape)).sum()
    leaves = {f"start {name}": tensor for name, tensor in _tensors(start)}
    leaves |= {"inputs": inputs, **dict(model.named_parameters())}
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    found |= {f"d {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}
    return found


def _tensors(state):
    yield from (("memory", state.memory), ("weightings", state.weightings), ("reads", state.reads))
    if "counter" in state._fields:
        yield "counter", state.counter
    yield from ((f"controller {i}", tensor) for i, tensor in enumerate(state.controller))


def assert_same(found, expected, tolerance):
    """Compare tensor by tensor, relative to the largest value of each."""
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        if not want.numel():
            continue
        assert torch.isfinite(want).all(), name
        assert torch.isfinite(found[name]).all(), name  # a maximum would hide NaN
        error = (found[name] - want).abs().max() / want.abs().max().clamp(min=1e-3)
        assert error < tolerance, f"{name}: {error:.1e}"


OPTIONS = st.fixed_dictionaries(
    {
        "controller": st.sampled_from(["feedforward", "lstm"]),
        "hidden_size": st.integers(1, 9),
        "read_heads": st.integers(1, 4),
        "write_heads": st.integers(1, 4),
        "memory_width": st.integers(1, 9),
        "shift_width": st.integers(2, 6),
        "key_activation": st.sampled_from(["identity", "tanh"]),
        "add_activation": st.sampled_from(["identity", "tanh", "sigmoid"]),
        "order": st.sampled_from(["write_first", "read_first"]),
        "epsilon": st.sampled_from([1e-8, 0.1]),
        "memory_init": st.sampled_from(["constant", "random", "position", "learned"]),
        "head_init": st.sampled_from(["first", "learned", "uniform"]),
    }
)
# Of 3 or more columns, as of 1 there is no part.
PARTS = st.fixed_dictionaries(
    {
        "memory_width": st.integers(3, 9),
        "key_width": st.sampled_from([None, 1, 2, 3]),
        "followers": st.integers(0, 1),
        "read_feedback": st.booleans(),
        "skip_connection": st.booleans(),
        "output_hidden_size": st.integers(0, 3),
    }
)
JUMPS = st.fixed_dictionaries(
    {
        "jump": st.just(True),
        "read_feedback": st.booleans(),
        "signal_channels": st.lists(st.sampled_from(CHANNELS), max_size=3, unique=True),
        "counter_channels": st.lists(st.sampled_from(CHANNELS[:-1]), max_size=3, unique=True),
    }
)
EXTRAS = st.just({}) | PARTS | JUMPS
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
    """What people train: in single precision the kernel has exponentials of its own, and other types."""
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
        before = [tensor.clone() for _, tensor in _tensors(state)]
        model(torch.ones(3, 2, INPUTS, dtype=torch.float64), state)
    for (_, tensor), was in zip(_tensors(state), before, strict=True):
        assert torch.equal(tensor, was)


def test_what_is_not_finite_is_seen():
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


@njit
def _map(values, out, logarithm):
    for i in range(len(values)):
        out[i] = arithmetic.log(values[i]) if logarithm else arithmetic.exp(values[i])


@njit
def _log1p(x):
    return arithmetic.log1p(x)


def test_exponentials_and_logarithms_are_right_to_single_precision():
    x = np.concatenate([np.linspace(-86, 87, 20001), np.linspace(-1e-3, 1e-3, 1001)]).astype(np.float32)
    out = np.empty_like(x)
    _map(x, out, False)
    np.testing.assert_allclose(out, np.exp(x.astype(np.float64)), rtol=2e-7)
    positive = np.exp(np.linspace(-69, 69, 20001)).astype(np.float32)
    out = np.empty_like(positive)
    _map(positive, out, True)
    np.testing.assert_allclose(out, np.log(positive.astype(np.float64)), rtol=2e-7, atol=1e-7)
    for smaller in (np.float32(1), np.float32(1e-3), np.float32(1e-30)):
        small = np.linspace(0, 1, 1001, dtype=np.float32) * smaller
        np.testing.assert_allclose([_log1p(x) for x in small], np.log1p(small.astype(np.float64)), rtol=3e-7)
    edge = np.array([np.nan, np.inf, -np.inf, 1000, -1000], np.float32)
    out = np.empty_like(edge)
    _map(edge, out, False)
    assert np.isnan(out[0])
    assert (out[[1, 3]] > 1e38).all()
    assert (out[[2, 4]] < 1e-37).all()


@njit
def multiply(a, first, weights, panels, out):
    products.pack(weights, panels)
    products.add_product(a, first, panels, out)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    rows=st.integers(0, 9),
    terms=st.integers(0, 13),
    columns=st.integers(1, 40),
    more=st.integers(2, 20),
    single=st.booleans(),
    turned=st.booleans(),
)
def test_products_are_those_of_numpy(rows, terms, columns, more, single, turned):
    rng, kind = np.random.default_rng(0), np.float32 if single else np.float64
    a, b, out = (
        rng.standard_normal(shape) for shape in ((rows, terms), (terms, columns), (rows, columns + more))
    )
    expected = out.copy()
    expected[:, :columns] += a @ b
    out = out.astype(kind)
    weights = np.array(b, kind, order="F" if turned else "C")
    multiply(np.concatenate((out[:, :2], a), 1).astype(kind), 2, weights, products.panels(weights), out)
    tolerance = 1e-5 if single else 1e-12
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)


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


@njit
def _halve(numbers, out):
    before = subnormals.flush()
    for i in range(len(numbers)):
        out[i] = numbers[i] * np.float32(0.5)
    subnormals.restore(before)


@pytest.mark.skipif(not (subnormals.X86 or subnormals.ARM), reason="left as they are on other processors")
def test_subnormal_numbers_are_zero_in_a_kernel_alone():
    numbers = np.full(100, np.finfo(np.float32).tiny)
    out = np.ones_like(numbers)
    _halve(numbers, out)
    assert np.all(out == 0)
    assert np.all(numbers * np.float32(0.5) > 0)


def test_a_kernel_leaves_the_processor_as_it_was():
    smallest = torch.tensor(torch.finfo(torch.float32).tiny)
    results(pair(torch.float32)[1], T=2, B=1, capacity=4)
    assert smallest / 2 > 0


@pytest.fixture
def short(monkeypatch):
    """Cuts that are made often and leave few slots, so that small machines have them."""
    monkeypatch.setattr(inference, "STEPS", 4)
    monkeypatch.setattr(inference, "FEW", 0)
    monkeypatch.setattr(cut, "MULTIPLE", 1)
    monkeypatch.setattr(memory_machine, "STEPS", 11)
    monkeypatch.setattr(memory_machine, "NUMBERS", 0)


@pytest.fixture
def widths(monkeypatch):
    """How many slots, and weightings of how many steps, there were at each call of the kernel."""
    found, forward = [], inference.forward

    def spy(settings, weights, scratch, stand, memory, trail, counter):
        found.append((memory.shape[2], len(trail.weightings)))
        forward(settings, weights, scratch, stand, memory, trail, counter)

    monkeypatch.setattr(inference, "forward", spy)
    return found


def without_gradients(model, T, B, capacity, at_a_time=None):
    """What a model computes of its own first state without gradients, so many steps at a time."""
    dtype = model.output.weight.dtype
    inputs = torch.randn((T, B, INPUTS), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.inference_mode():
        state, logits = model.initial_state(B, capacity), []
        for part in inputs.to(dtype).split(at_a_time or T):
            some, state = model(part, state)
            logits.append(some)
    return {"logits": torch.cat(logits), **dict(_tensors(state))}


# Heads that stay sharp, and rows that are alike at first.
SHARP = st.fixed_dictionaries(
    {
        "gate_bias": st.sampled_from([-6.0, -60.0]),  # almost closed, and closed
        "sharpening_bias": st.sampled_from([5.0, 30.0]),
        "memory_init": st.sampled_from(["constant", "learned"]),
        "head_init": st.sampled_from(["first", "learned"]),
    }
)


@pytest.mark.usefixtures("short")
@settings(
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    config=st.builds(
        lambda *parts: {k: v for part in parts for k, v in part.items()}, OPTIONS, EXTRAS, SHARP
    ),
    T=st.integers(1, 40),
    B=st.integers(1, 20),
    capacity=st.integers(1, 200),
)
@example(config={"shift_bias": (9.0, 0.0, 0.0)}, T=40, B=3, capacity=64)  # backwards, over the wrap-around
@example(config={"shift_bias": (0.0, 0.0, 9.0), "gate_bias": -9.0}, T=40, B=3, capacity=20)  # once round
@example(config={"jump": True, "jump_bias": 0.0, "gate_bias": -9.0}, T=40, B=3, capacity=64)
def test_without_gradients_it_is_the_reference(config, T, B, capacity):
    reference, fused = pair(disturbance=0.1, **config)
    expected = without_gradients(reference, T, B, capacity)
    # Sharpening by 31 multiplies rounding: where inputs change by 1e-15, the reference may by 4e-10.
    assert_same(without_gradients(fused, T, B, capacity), expected, 1e-10 * T)
    assert_same(without_gradients(fused, T, B, capacity, at_a_time=1), expected, 1e-10 * T)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("moves", [(9.0, 0.0, 0.0), (3.0, 0.0, 9.0), (0.0, 0.0, 0.0, 0.0, 9.0)])
@pytest.mark.parametrize("order", ["write_first", "read_first"])
@pytest.mark.parametrize("writers", [1, 3])
@pytest.mark.parametrize("extra", [{}, {"followers": 1}, {"jump": True, "jump_bias": -2.0}])
def test_closed_gates_leave_heads_a_few_slots(moves, order, writers, extra):
    """All rows differ, so nothing is cut; heads go over the wrap-around, blurred and sharp."""
    config = {"gate_bias": (-60.0,) * (writers - 1) + (-60.0, -60.0, 0.0), "sharpening_bias": 9.0}
    config |= {"write_heads": writers, "read_heads": 2, "shift_width": len(moves), "shift_bias": moves}
    reference, fused = pair(disturbance=0.1, order=order, memory_init="random", **config, **extra)
    expected = without_gradients(reference, 60, 3, 40)
    weightings = expected["weightings"]
    assert_same(without_gradients(fused, 60, 3, 40), expected, 1e-10)
    if not extra:
        assert (weightings[:, :-1] < 1e-20).double().mean() > 0.5


@pytest.mark.parametrize("moves", [(9.0, 0.0, 0.0), (0.0, 0.0, 9.0), (0.0, 9.0, 0.0)])
def test_slots_that_are_alike_are_cut(moves, widths):
    _, fused = pair(torch.float32, 0.1, gate_bias=-9.0, sharpening_bias=9.0, shift_bias=moves * 2)
    without_gradients(fused, 300, 3, 1024)
    slots, kept = zip(*widths, strict=True)
    assert slots[0] == 128  # 32 steps, each of which moves the ends of what is not alike by one
    assert max(slots) < 1024
    assert set(kept) == {2}  # whatever T is


@pytest.mark.parametrize("name", ["copy", "priority_sort"])
def test_a_trained_machine_is_as_right_as_step_by_step(name, widths):
    """One that sorts decides between numbers that are almost the same, so rounding is seen."""
    model, task, (sizes, *_) = NTM.from_pretrained(name), tasks.get(name), tasks.spec(name).rungs
    inputs = torch.from_numpy(task.episodes(range(8), **sizes).inputs)

    def answers(inputs, at_a_time):
        state, logits = model.initial_state(8, 512), []
        for x in inputs.split(at_a_time):
            some, state = model(x, state)
            logits.append(some)
        return torch.cat(logits).double()

    with torch.inference_mode():
        whole = answers(inputs, len(inputs))
        assert min(widths)[0] < 256
        stepped = answers(inputs, 1)
        model.double()
        right = answers(inputs.double(), 1)
    assert ((whole > 0) == (right > 0)).all()
    assert (whole - right).abs().mean() < 2 * (stepped - right).abs().mean()


def test_rows_that_differ_are_not_cut(widths):
    _, fused = pair(torch.float32, memory_init="position")
    without_gradients(fused, 64, 2, 256)
    assert {slots for slots, _ in widths} == {256}


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    slots=st.integers(2, 60),
    ends=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=3),
    behind=st.integers(0, 4),
    before=st.integers(0, 4),
    more=st.integers(0, 60),
)
def test_a_cut_takes_from_the_middle_of_a_run(slots, ends, behind, before, more):
    """Whatever is like what it stands for, and comes back; what a run may lose at its ends is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "MULTIPLE", 1)
        rows = np.tile(np.arange(slots, dtype=np.float32), (len(ends), 3, 1))
        for b, (first, end) in enumerate(ends):
            rows[b, :, first:end] = -1
        memory, weightings = rows[:, :2].copy(), rows[:, 2:].copy()
        whole = cut.Cut.none(len(ends), slots)
        made = whole.best(memory, weightings, behind, before)
        short = whole.change(made, memory)
        np.testing.assert_array_equal(made.change(whole, short), memory)
        lengths = [max(1, min(end, slots) - max(first, 1)) for first, end in ends]
        expected = max(0, min(lengths) - behind - before - 1)
        assert made.count == (expected if slots - expected <= cut.WORTH * slots else 0)
        if made.count:
            for b in range(len(ends)):
                around = short[b, 0, made.rest[b] - behind : made.rest[b] + before + 1]
                assert len(around) == behind + before + 1
                assert (around == -1).all()
                assert made.rest[b] - behind >= 1  # slot 0 is never in it
        # It grows again where other slots have become like those that were cut.
        rows[..., 1 : more + 1] = -1
        for b, (first, end) in enumerate(ends):
            rows[b, :, first:end] = -1
        short = whole.change(made, rows)
        again = made.best(short[:, :2].copy(), short[:, 2:].copy(), behind, before)
        assert again.count == whole.best(rows[:, :2].copy(), rows[:, 2:].copy(), behind, before).count
        np.testing.assert_array_equal(again.change(whole, made.change(again, short)), rows)


def test_what_is_not_a_number_is_like_nothing():
    memory = np.ones((1, 2, 300), np.float32)
    memory[0, 1, 150] = np.nan
    whole = cut.Cut.none(1, 300)
    made = whole.best(memory, np.ones((1, 1, 300), np.float32), 0, 0)
    np.testing.assert_array_equal(made.change(whole, whole.change(made, memory)), memory)


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize(
    ("change", "says"),
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
def test_a_state_that_does_not_fit_is_refused(kernel, grad, change, says):
    model = NTM(INPUTS, OUTPUTS, kernel=kernel)
    state = change(model.initial_state(3, 8))
    with torch.set_grad_enabled(grad), pytest.raises(ValueError, match=says):
        model(torch.zeros(4, 3, INPUTS), state)
    with pytest.raises(ValueError, match=says):
        model.with_penalty(torch.zeros(4, 3, INPUTS), state)
