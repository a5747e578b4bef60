"""The fused kernel takes no tensor that does not fit, whoever calls it, and any memory layout."""

from dataclasses import replace

import pytest
import torch

from ntm_agents import NTM, JumpNTM
from ntm_agents.kernels.ntm import infer, recur
from ntm_agents.protocol import mapped, tensors

INPUTS, OUTPUTS = 3, 2
SMALL = {"hidden_size": 4, "memory_width": 3, "read_heads": 2}


def arguments(kind=JumpNTM, dtype=torch.float64, **config):
    """Return options and tensors of 5 steps and 2 sequences, which nothing else uses."""
    torch.manual_seed(0)
    model = kind(INPUTS, OUTPUTS, **SMALL, **config).to(dtype)
    state = mapped(lambda tensor: torch.rand_like(tensor), model.initial_state(2, 8))
    with torch.no_grad():
        options, *parts = model._kernel_arguments(model.project(torch.rand(5, 2, INPUTS, dtype=dtype)), state)
        return options, mapped(torch.clone, tuple(parts))


def changes():
    """Yield changes that each make a tensor wrong in one way, with names."""
    yield "type", lambda tensor: tensor.to(torch.float32 if tensor.dtype == torch.float64 else torch.float64)
    yield "half", lambda tensor: tensor.half()
    yield "device", lambda tensor: tensor.to("meta")
    yield "dimension", lambda tensor: tensor.unsqueeze(0)
    yield "scalar", lambda tensor: tensor.flatten()[0]
    for dim in range(3):
        for name, change in (
            ("shorter", lambda tensor, dim: tensor.narrow(dim, 0, tensor.shape[dim] - 1)),
            ("longer", lambda tensor, dim: torch.cat((tensor, tensor.narrow(dim, 0, 1)), dim)),
            ("empty", lambda tensor, dim: tensor.narrow(dim, 0, 0)),
        ):
            yield f"{name} {dim}", lambda tensor, change=change, dim=dim: change(tensor, dim)


@pytest.mark.parametrize("run", [recur, infer])
@pytest.mark.parametrize("config", [{"controller": "lstm"}, {"controller": "feedforward"}])
def test_a_tensor_that_does_not_fit_is_refused(run, config):
    options, parts = arguments(**config)
    count = len(list(tensors(parts)))
    for index in range(count):
        for what, change in changes():
            if what[-1].isdigit() and int(what[-1]) >= list(tensors(parts))[index][1].dim():
                continue
            places = iter(range(count))
            wrong = mapped(
                lambda tensor, i=index, f=change, p=places: f(tensor) if next(p) == i else tensor, parts
            )
            with pytest.raises(ValueError, match="expected"):
                run(options, *wrong)


def test_the_tensor_is_named():
    options, (inputs, weights, state) = arguments(NTM)
    with pytest.raises(
        ValueError, match=r"state.reads has shape \(2, 5\); expected \(2, 6\), as .*memory \(2, 8, 3\)"
    ):
        recur(options, inputs, weights, state._replace(reads=state.reads[:, 1:]))
    with pytest.raises(
        ValueError, match=r"inputs.parameters is torch.float32 on cpu; expected torch.float64"
    ):
        infer(options, inputs._replace(parameters=inputs.parameters.float()), weights, state)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"erasers": 9}, "options.erasers is 9; expected 0 to "),
        ({"erasers": -1}, "options.erasers is -1; expected 0 to "),
        ({"erase_limit": 0.0}, "options.erase_limit is 0.0; expected 1 to 2"),
    ],
)
def test_impossible_options_are_refused_by_name(changed, message):
    options, parts = arguments()
    for run in (recur, infer):
        with pytest.raises(ValueError, match=message):
            run(replace(options, **changed), *parts)


@pytest.mark.parametrize(
    "layout",
    [
        lambda tensor: tensor.transpose(0, -1).contiguous().transpose(0, -1),
        lambda tensor: torch.stack((tensor, tensor), -1)[..., 1],
        lambda tensor: tensor.clone().requires_grad_(),
    ],
)
def test_any_memory_layout_gives_the_same(layout):
    for run in (recur, infer):
        options, parts = arguments()
        expected = run(options, *mapped(torch.clone, parts))
        found = run(options, *mapped(layout, parts))
        assert torch.equal(found.features, expected.features)
        for (_, part), (_, want) in zip(tensors(found.state), tensors(expected.state), strict=True):
            assert torch.equal(part, want)


def test_expanded_tensors_are_read_as_they_are():
    options, (inputs, weights, state) = arguments(NTM)
    rows = mapped(lambda tensor: tensor[:1].expand(2, *tensor.shape[1:]), state)
    found = recur(options, mapped(torch.clone, inputs), weights, rows)
    expected = recur(options, inputs, weights, mapped(torch.clone, rows))
    assert torch.equal(found.features, expected.features)


def test_without_gradients_there_are_none():
    options, parts = arguments()
    result = infer(options, *mapped(lambda tensor: tensor.clone().requires_grad_(), parts))
    assert not result.features.requires_grad
    assert not any(part.requires_grad for _, part in tensors(result.state))


def test_overwritten_addends_that_a_gradient_needs_are_an_error():
    options, (inputs, weights, state) = arguments(NTM)
    addend = inputs.preactivations.requires_grad_().tanh()  # which saves its result
    result = recur(options, inputs._replace(preactivations=addend), weights, state)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        result.features.sum().backward()


def test_a_parameter_of_another_shape_is_refused():
    for name in ("heads.weight", "controller.layers.0.weight"):
        model = NTM(INPUTS, OUTPUTS, **SMALL)
        owner = model.get_submodule(name.rpartition(".")[0])
        owner.weight = torch.nn.Parameter(torch.zeros(owner.weight.shape[0] + 1, owner.weight.shape[1]))
        for grad in (False, True):
            with torch.set_grad_enabled(grad), pytest.raises(ValueError, match="expected"):
                model(torch.zeros(5, 2, INPUTS), model.initial_state(2, 8))
