"""The fused kernel of the D-NTM: the results of the reference, for every option, shape and gradient."""

from functools import partial

import pytest
import torch
from fused import assert_same, assert_same_on_threads, assert_steps_are_the_whole
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ntm_agents import DNTM
from ntm_agents.kernels.dntm import infer, recur
from ntm_agents.protocol import mapped, tensors

INPUTS, OUTPUTS = 3, 2
COPY = {"controller": "feedforward", "follows": (1, 1), "feedback": "none", "lru": False, "nop_slots": 0}
RECIPE = {
    **{"read_heads": 2, "follows": (1, 1, 2), "by_content": (False, False, True), "feedback": "content"},
    **{"epsilon": 0.1, "lru": False, "nop_slots": 0},
}
THROUGH = {"addressing": "hard", "gradient": "straight-through", "soft_batches": 0.0}


@st.composite
def options(draw):
    """Return options of a D-NTM that has a kernel."""
    writers, readers = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    heads = writers + readers
    some = {
        "controller": st.sampled_from(["feedforward", "lstm", "gru"]),
        "hidden_size": st.integers(1, 9),
        "address_width": st.sampled_from([2, 4, 18]),
        "memory_width": st.integers(1, 9),
        "learned_addresses": st.booleans(),
        "lru": st.booleans(),
        "nop_slots": st.integers(0, 2),
        "order": st.sampled_from(["read_first", "write_first"]),
        "by_content": st.just(()) | st.tuples(*[st.booleans()] * heads),
        "follows": st.just(()) | st.tuples(*[st.integers(0, readers)] * heads),
        "feedback": st.sampled_from(["slot", "content", "none"]),
        "epsilon": st.sampled_from([1e-6, 0.1]),
    }
    hard = draw(st.sampled_from([{}, {}, THROUGH]))
    return draw(st.fixed_dictionaries(some)) | hard | {"write_heads": writers, "read_heads": readers}


def pair(dtype=torch.float64, **config):
    """Return one model with each kernel, all of whose parameters are large enough to matter."""
    torch.manual_seed(0)
    small = {"hidden_size": 4, "memory_width": 3, "address_width": 4} | config
    models = [DNTM(INPUTS, OUTPUTS, **small, kernel=kernel).to(dtype) for kernel in ("reference", "fused")]
    with torch.no_grad():
        for parameter in models[0].parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    models[1].load_state_dict(models[0].state_dict())
    return [model.eval() for model in models]


def draw(shape, dtype=torch.float64, seed=0):
    """Return the same numbers in every type."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def data(T, B, seed=0):
    return draw((T, B, INPUTS), seed=seed)


def any_state(model, B, N, seed=0):
    """Return a state with any numbers, but the same addresses in all rows."""
    state = mapped(lambda part: draw(part.shape, part.dtype, seed), model.initial_state(B, N))
    addresses = state.addresses[:1].repeat(B, 1, 1)
    return state._replace(weightings=state.weightings.softmax(2), addresses=addresses)


def results(model, T, B, capacity, seed=0):
    """Return all results of a model, and the gradients of everything that it depends on.

    Once from its own state, with addresses by its parameters, and once from any.
    """
    dtype, found, loss = model.output.weight.dtype, {}, 0
    other = any_state(model, B, capacity, seed)
    leaves = {**dict(tensors(other)), "inputs": data(T, B, seed).to(dtype)}
    for part in leaves.values():
        part.requires_grad_()
    for start, state in (("own", model.initial_state(B, capacity)), ("any", other)):
        logits, last = model(leaves["inputs"], state)
        again, penalty = model.with_penalty(leaves["inputs"], state)
        assert torch.equal(again, logits)
        for name, part in {"logits": logits, "penalty": penalty, **dict(tensors(last))}.items():
            found[f"{start} {name}"] = part.detach()
            loss = loss + (part * draw(part.shape, dtype, seed)).sum()
    leaves |= dict(model.named_parameters())
    # Of what a machine does not see, the kernel has gradients of zero, and the reference none.
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    return found | {f"d {name}": gradient for name, gradient in zip(leaves, gradients, strict=True)}


@settings(derandomize=True, deadline=None, max_examples=100)
@given(config=options(), T=st.integers(1, 12), B=st.integers(1, 9), capacity=st.integers(1, 40))
@example(config={}, T=1, B=1, capacity=1)
@example(config=COPY, T=9, B=5, capacity=33)
@example(config=RECIPE, T=9, B=3, capacity=16)
@example(config=RECIPE | THROUGH | {"lru": True, "nop_slots": 1}, T=9, B=3, capacity=16)
@example(config={"lru": True, "feedback": "slot"}, T=5, B=19, capacity=600)  # several tiles
def test_it_is_the_reference_to_the_last_digits(config, T, B, capacity):
    reference, fused = pair(**config)
    assert_same(results(fused, T, B, capacity), results(reference, T, B, capacity), 1e-11 * T)


def test_in_training_some_sequences_are_soft_and_some_are_hard():
    found = []
    for model in pair(**RECIPE, **(THROUGH | {"soft_batches": 1.0})):
        model.train().batches += 2
        logits = []
        for seed in range(4):
            torch.manual_seed(seed)
            logits.append(model(data(5, 8), any_state(model, 8, 10))[0])
        gradients = torch.autograd.grad(torch.stack(logits).square().sum(), list(model.heads.parameters()))
        found.append({"logits": torch.stack(logits).detach(), "weight": gradients[0], "bias": gradients[1]})
    assert_same(*found, 1e-10)


@settings(max_examples=10)
@given(config=options(), T=st.integers(1, 4), B=st.integers(1, 20), tile=st.integers(2, 16))
@example(config=RECIPE | {"hidden_size": 40, "address_width": 32}, T=3, B=19, tile=16)
def test_on_threads_it_has_the_same_bytes(config, T, B, tile):
    assert_same_on_threads(partial(results, pair(**config)[1], T, B, 8), tile)


@pytest.mark.parametrize("config", [{}, COPY, RECIPE])
def test_it_is_the_reference_in_single_precision(config):
    reference, fused = pair(torch.float32, **config)
    assert_same(results(fused, 20, 4, 32), results(reference, 20, 4, 32), 1e-3)


@pytest.mark.parametrize("config", [{}, RECIPE, COPY | THROUGH, {"controller": "lstm", "nop_slots": 2}])
def test_steps_one_by_one_are_the_whole(config):
    _, model = pair(**config)
    assert_steps_are_the_whole(model, data(20, 3), any_state(model, 3, 20))


@pytest.mark.parametrize("config", [{}, COPY, RECIPE])
def test_training_twice_gives_the_same_bytes_and_changes_no_state(config):
    _, model = pair(torch.float32, **config)
    found = [results(model, 12, 5, 24) for _ in range(2)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    state = any_state(model, 2, 16)
    before = [part.clone() for _, part in tensors(state)]
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            model(data(3, 2).float(), state)
    assert all(torch.equal(part, was) for (_, part), was in zip(tensors(state), before, strict=True))


def test_a_hard_head_that_follows_itself_visits_all_slots_in_their_order():
    torch.manual_seed(0)
    model = DNTM(INPUTS, OUTPUTS, **THROUGH, follows=(1, 1), lru=False, kernel="fused").eval()
    slots, state = [], model.initial_state(5, 2048)
    with torch.no_grad():
        for _ in range(100):
            _, state = model(torch.zeros(20, 5, INPUTS), state)
            slots.append(state.weightings.argmax(2))
    expected = torch.arange(1 + 20, 1 + 2001, 20)
    assert torch.equal(torch.stack(slots), expected[:, None, None].expand(100, 5, 2))


@pytest.mark.parametrize("config", [{}, RECIPE | THROUGH])
def test_values_that_are_not_finite_are_propagated(config):
    for model in pair(**config):
        inputs = torch.zeros(4, 3, INPUTS, dtype=torch.float64)
        inputs[1, 1, 0] = float("nan")
        finite = torch.isfinite(model(inputs, model.initial_state(3, 8))[0]).all(2)
        assert finite[:, [0, 2]].all()  # others do not suffer
        assert finite[0].all()
        assert not finite[1:, 1].any()


def test_which_kernel_runs():
    class Own(DNTM):
        def _behind(self, reads):
            return super()._behind(reads)

    for controller in ("feedforward", "lstm", "gru"):
        assert DNTM(INPUTS, OUTPUTS, controller=controller).kernel == "fused"
    assert DNTM(INPUTS, OUTPUTS, kernel="reference").kernel == "reference"
    assert DNTM(INPUTS, OUTPUTS, **THROUGH).kernel == "fused"
    assert DNTM(INPUTS, OUTPUTS, addressing="hard").kernel == "reference"
    with pytest.raises(ValueError, match="slots are drawn, for REINFORCE"):
        _ = DNTM(INPUTS, OUTPUTS, addressing="hard", kernel="fused").kernel
    with pytest.raises(ValueError, match="Own has a _behind of its own"):
        _ = Own(INPUTS, OUTPUTS, kernel="fused").kernel
    for name in ("heads", "controller"):
        model = DNTM(INPUTS, OUTPUTS)
        handle = getattr(model, name).register_forward_hook(lambda *arguments: None)
        assert model.kernel == "reference"
        handle.remove()
        assert model.kernel == "fused"


def arguments(**config):
    """Return options and tensors of 5 steps and 2 sequences, which nothing else uses."""
    model = pair(**config)[1]
    with torch.no_grad():
        state = any_state(model, 2, 8)
        shared = state._replace(addresses=state.addresses[:1])
        options, inputs, *parts = model._kernel_arguments(model.project(data(5, 2)), shared)
        # An option may be missing, and `mapped` maps tensors alone.
        soft = torch.ones(2, dtype=torch.bool) if inputs.soft is None else inputs.soft
        return options, mapped(torch.clone, (inputs._replace(soft=soft), *parts))


@pytest.mark.parametrize("run", [recur, infer])
@pytest.mark.parametrize("config", [{}, COPY, RECIPE | {"controller": "lstm"}])
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
    for index, (_, part) in enumerate(tensors(parts)):
        for change in changes:
            wrong = change(part) if part.numel() else torch.ones(1)
            if wrong.shape == part.shape and wrong.dtype == part.dtype and wrong.device == part.device:
                continue  # as one row of a single one
            places = iter(range(100))
            all_of_them = mapped(lambda t, p=places, i=index, w=wrong: w if next(p) == i else t, parts)
            with pytest.raises(ValueError, match="expected"):
                run(options, *all_of_them)


@pytest.mark.parametrize("run", [recur, infer])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"write_heads": 0}, "0 write heads of 3"),
        ({"write_heads": 3}, "3 write heads of 3"),
        ({"follows": (1, 1)}, r"follows is \(1, 1\); expected 3 numbers from 0 to 2"),
        ({"follows": (1, 3, 0)}, r"follows is \(1, 3, 0\); expected 3 numbers from 0 to 2"),
        ({"by_content": (True,)}, r"by_content is \(True,\); expected 3 values"),
        ({"nop_slots": 9}, "nop_slots is 9; expected 0 to 8"),
        ({"lru": True}, "inputs.parameters has shape"),
        ({"feedback": "slot"}, "weights.recurrent has shape"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(run, change, message):
    options, parts = arguments(**RECIPE)
    with pytest.raises(ValueError, match=message):
        run(type(options)(**(vars(options) | change)), *parts)


@pytest.mark.parametrize("config", [RECIPE, {"feedback": "slot", "controller": "lstm"}])
def test_any_memory_layout_gives_the_same(config):
    options, parts = arguments(**config)
    for run in (recur, infer):
        expected = run(options, *mapped(torch.clone, parts))
        turned = mapped(lambda t: t.transpose(0, -1).contiguous().transpose(0, -1), parts)
        assert torch.equal(run(options, *turned).features, expected.features)
