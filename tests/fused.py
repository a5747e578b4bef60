"""Twin models with either kernel, and all their results, for tests of the fused kernels."""

from functools import partial
from unittest.mock import patch

import torch
from hypothesis import strategies as st

from ntm_agents import ExtendedNTM, JumpNTM, protocol
from ntm_agents.kernels import gradients, tiles
from ntm_agents.kernels.threads import set_num_threads

CHANNELS = ("a", "b", "c", "d", "e")
INPUTS, OUTPUTS = len(CHANNELS), 3


def pair(dtype=torch.float64, disturbance=0.3, jump=False, **config):
    """Return one model with each kernel, all of whose parameters matter; a JumpNTM if it is to jump."""
    torch.manual_seed(0)
    kind = partial(JumpNTM, input_channels=CHANNELS) if jump else ExtendedNTM
    models = [kind(INPUTS, OUTPUTS, kernel=kernel, **config).to(dtype) for kernel in ("reference", "fused")]
    with torch.no_grad():
        for parameter in models[0].parameters():
            parameter += disturbance * torch.randn_like(parameter)
    models[1].load_state_dict(models[0].state_dict())
    return models


def results(model, T, B, capacity, seed=0):
    """Return all results of a model, and the gradients of everything that it depends on."""
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
        for part, tensor in {"logits": logits, "penalty": penalty, **dict(tensors(last))}.items():
            found[f"{name} {part}"] = tensor.detach()
            loss = loss + (tensor * draw(*tensor.shape)).sum()
    leaves = {f"start {name}": tensor for name, tensor in tensors(start)}
    leaves |= {"inputs": inputs, **dict(model.named_parameters())}
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    found |= {f"d {name}": g for name, g in zip(leaves, gradients, strict=True) if g is not None}
    return found


def tensors(state):
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


def assert_steps_are_the_whole(model, inputs, start):
    """Compare a sequence that is taken step by step, or without gradients, with the whole."""
    whole, last = model(inputs, start)
    with torch.no_grad():
        at_once, end = model(inputs, start)
        state, logits = start, []
        for each in inputs.split(1):
            some, state = model(each, state)
            logits.append(some)
    for found, final in ((at_once, end), (torch.cat(logits), state)):
        torch.testing.assert_close(found, whole, rtol=1e-11, atol=1e-11)
        for (_, part), (_, want) in zip(protocol.tensors(final), protocol.tensors(last), strict=True):
            torch.testing.assert_close(part, want, rtol=1e-11, atol=1e-11)


def assert_same_on_threads(compute, tile=tiles.MOST):
    """Compute tensors by name on 1 to 4 threads, in tiles of a size at most; compare their bytes."""
    found = []
    with patch.multiple(tiles, WORK=1, MOST=tile), patch.object(gradients, "WORK", 1):
        try:
            for number in range(1, 5):
                set_num_threads(number)
                found.append({name: part.numpy().tobytes() for name, part in compute().items()})
        finally:
            set_num_threads(1)
    for number, other in enumerate(found[1:], 2):
        assert other.keys() == found[0].keys()
        changed = [name for name in other if other[name] != found[0][name]]
        assert not changed, f"with {number} threads: {changed}"


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
        "strength_growth": st.booleans(),
        "followers": st.integers(0, 1),
        "read_feedback": st.booleans(),
        "skip_connection": st.booleans(),
        "output_hidden_size": st.integers(0, 3),
        "output_shortcut": st.booleans(),
    }
)


ERASERS = st.fixed_dictionaries(
    {
        "erasers": st.just(1),
        "erase_limit": st.sampled_from([1.0, 1.8]),
        "followers": st.integers(0, 1),
        "skip_connection": st.booleans(),
        "add_activation": st.sampled_from(["identity", "tanh"]),
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


EXTRAS = st.just({}) | PARTS | ERASERS | JUMPS
